-- Managed by pairwise (stacks/lvs); local edits are lost.
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
CREATE USER pairwise_read_tier@'10.75.1.21' IDENTIFIED WITH caching_sha2_password BY '<secret:web-replication>' REQUIRE SSL;
GRANT BACKUP_ADMIN, REPLICATION SLAVE ON *.* TO pairwise_read_tier@'10.75.1.21';
CREATE USER pairwise_read_tier@'10.75.1.22' IDENTIFIED WITH caching_sha2_password BY '<secret:web-replication>' REQUIRE SSL;
GRANT BACKUP_ADMIN, REPLICATION SLAVE ON *.* TO pairwise_read_tier@'10.75.1.22';
CREATE USER reader@'10.75.1.0/24' IDENTIFIED WITH caching_sha2_password BY '<secret:web-reader>' REQUIRE SSL;
GRANT SELECT ON `site`.* TO reader@'10.75.1.0/24';
CREATE USER site@'10.75.1.21' IDENTIFIED WITH caching_sha2_password BY '<secret:directors-site>' REQUIRE SSL;
GRANT SELECT, INSERT, UPDATE, DELETE ON `site`.* TO site@'10.75.1.21';
CREATE USER site@'10.75.1.22' IDENTIFIED WITH caching_sha2_password BY '<secret:directors-site>' REQUIRE SSL;
GRANT SELECT, INSERT, UPDATE, DELETE ON `site`.* TO site@'10.75.1.22';
