-- Managed by pairwise (stacks/duo); local edits are lost.
INSTALL PLUGIN auth_socket SONAME 'auth_socket.so';
ALTER USER root@localhost IDENTIFIED WITH auth_socket;
-- The package's logrotate has the logs opened anew under this name, as the local root.
CREATE USER 'debian-sys-maint'@localhost IDENTIFIED WITH auth_socket AS 'root';
GRANT RELOAD ON *.* TO 'debian-sys-maint'@localhost;
CREATE DATABASE `site`;
CREATE TABLE `site`.visits (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    node VARCHAR(64) NOT NULL,
    at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    text VARCHAR(1000) NOT NULL
);
CREATE TABLE `site`.uploads (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    node VARCHAR(64) NOT NULL,
    at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    name VARCHAR(255) NOT NULL,
    bytes BIGINT NOT NULL,
    sha256 CHAR(64) CHARACTER SET ascii NOT NULL
);
-- What was uploaded where there is no share, in parts of 128 KiB: no request needs the memory for a
-- whole file several times over, and each part has its own time for an answer.
CREATE TABLE IF NOT EXISTS `site`.contents (
    sha256 CHAR(64) CHARACTER SET ascii NOT NULL,
    part SMALLINT UNSIGNED NOT NULL,
    content MEDIUMBLOB NOT NULL,
    PRIMARY KEY (sha256, part)
);
CREATE USER pairwise_replication@'10.73.2.11' IDENTIFIED WITH caching_sha2_password BY '<secret:duo-replication>' REQUIRE SSL;
GRANT REPLICATION SLAVE ON *.* TO pairwise_replication@'10.73.2.11';
CREATE USER pairwise_replication@'10.73.2.12' IDENTIFIED WITH caching_sha2_password BY '<secret:duo-replication>' REQUIRE SSL;
GRANT REPLICATION SLAVE ON *.* TO pairwise_replication@'10.73.2.12';
CREATE USER pairwise_clone@'10.73.2.11' IDENTIFIED WITH caching_sha2_password BY '<secret:duo-clone>' REQUIRE SSL;
GRANT BACKUP_ADMIN ON *.* TO pairwise_clone@'10.73.2.11';
CREATE USER pairwise_clone@'10.73.2.12' IDENTIFIED WITH caching_sha2_password BY '<secret:duo-clone>' REQUIRE SSL;
GRANT BACKUP_ADMIN ON *.* TO pairwise_clone@'10.73.2.12';
CREATE USER pairwise_monitor@'10.73.2.11' IDENTIFIED WITH caching_sha2_password BY '<secret:duo-monitor>' REQUIRE SSL;
GRANT REPLICATION CLIENT ON *.* TO pairwise_monitor@'10.73.2.11';
CREATE USER pairwise_monitor@'10.73.2.12' IDENTIFIED WITH caching_sha2_password BY '<secret:duo-monitor>' REQUIRE SSL;
GRANT REPLICATION CLIENT ON *.* TO pairwise_monitor@'10.73.2.12';
-- What MySQL Router 9.7 asks of a ReplicaSet, as views without a table: places that never change.
-- HAProxy on each application's machine knows which server is at each. The third one is hidden: no
-- statement goes there. Router asks all of them, and gives up everything it knows where the last
-- session, which it still needs, is ended meanwhile: nobody does that there.
CREATE DATABASE IF NOT EXISTS mysql_innodb_cluster_metadata DEFAULT CHARACTER SET utf8mb4;
CREATE OR REPLACE SQL SECURITY INVOKER VIEW mysql_innodb_cluster_metadata.schema_version (major, minor, patch) AS SELECT 2, 2, 0;
CREATE OR REPLACE SQL SECURITY INVOKER VIEW mysql_innodb_cluster_metadata.v2_ar_clusters AS
    SELECT 1 view_id, 'ar' cluster_type, 'pm' primary_mode, 'SINGLE-PRIMARY-TREE' async_topology_type,
        'pairwise' cluster_id, 'pairwise' cluster_name, JSON_OBJECT() attributes, JSON_OBJECT() options,
        JSON_OBJECT('stats_updates_frequency', 0) router_options, '' description, CAST(NULL AS CHAR) clusterset_id;
CREATE OR REPLACE SQL SECURITY INVOKER VIEW mysql_innodb_cluster_metadata.v2_clusters AS
    SELECT cluster_type, primary_mode, cluster_id, cluster_name, router_options FROM mysql_innodb_cluster_metadata.v2_ar_clusters;
CREATE OR REPLACE SQL SECURITY INVOKER VIEW mysql_innodb_cluster_metadata.v2_instances AS
    SELECT 1 instance_id, 'pairwise' cluster_id, 'source' label, 'source' mysql_server_uuid,
        '127.0.0.1:3316' address, '127.0.0.1:3316' endpoint, CAST(NULL AS CHAR) xendpoint,
        JSON_OBJECT('instance_type', 'async-member') attributes, 'async-member' instance_type
    UNION ALL SELECT 2, 'pairwise', 'replica', 'replica', '127.0.0.1:3317', '127.0.0.1:3317', NULL,
        JSON_OBJECT('instance_type', 'async-member'), 'async-member'
    UNION ALL SELECT 3, 'pairwise', 'either', 'either', '127.0.0.1:3319', '127.0.0.1:3319', NULL,
        CAST('{"instance_type": "async-member", "tags": {"_hidden": true}}' AS JSON), 'async-member';
-- Each server finds itself among the members: Router looks for its view by server_uuid. By root's
-- right: who asks may read nothing of performance_schema.
CREATE OR REPLACE DEFINER = root@localhost SQL SECURITY DEFINER VIEW mysql_innodb_cluster_metadata.v2_ar_members AS
    SELECT 1 view_id, 'pairwise' cluster_id, 1 instance_id, 'source' label, 'source' member_id,
        'PRIMARY' member_role, CAST(NULL AS SIGNED) master_instance_id, CAST(NULL AS CHAR) master_member_id
    UNION ALL SELECT 1, 'pairwise', 2, 'replica',
        (SELECT CONVERT(variable_value USING utf8mb4) COLLATE utf8mb4_0900_ai_ci
            FROM performance_schema.global_variables WHERE variable_name = 'server_uuid'), 'SECONDARY', NULL, NULL
    UNION ALL SELECT 1, 'pairwise', 3, 'either', 'either', 'SECONDARY', NULL, NULL;
CREATE OR REPLACE SQL SECURITY INVOKER VIEW mysql_innodb_cluster_metadata.v2_this_instance AS
    SELECT 'pairwise' cluster_id, 1 instance_id, 'async-member' instance_type, 'pairwise' cluster_name, 'ar' cluster_type;
CREATE OR REPLACE SQL SECURITY INVOKER VIEW mysql_innodb_cluster_metadata.v2_routers AS
    SELECT 1 router_id, 'pairwise' cluster_id, '' router_name, 'MySQL Router' product_name, '' address, '' version,
        CAST(NULL AS DATETIME) last_check_in, JSON_OBJECT() attributes, JSON_OBJECT() options, CAST(NULL AS CHAR) clusterset_id;
CREATE OR REPLACE SQL SECURITY INVOKER VIEW mysql_innodb_cluster_metadata.v2_router_options AS
    SELECT 1 router_id, router_options FROM mysql_innodb_cluster_metadata.v2_ar_clusters;
CREATE USER site@'10.73.2.11' IDENTIFIED WITH caching_sha2_password BY '<secret:duo-site>' REQUIRE SSL;
GRANT SELECT, INSERT, UPDATE, DELETE ON `site`.* TO site@'10.73.2.11';
GRANT SELECT ON mysql_innodb_cluster_metadata.* TO site@'10.73.2.11';
CREATE USER site@'10.73.2.12' IDENTIFIED WITH caching_sha2_password BY '<secret:duo-site>' REQUIRE SSL;
GRANT SELECT, INSERT, UPDATE, DELETE ON `site`.* TO site@'10.73.2.12';
GRANT SELECT ON mysql_innodb_cluster_metadata.* TO site@'10.73.2.12';
