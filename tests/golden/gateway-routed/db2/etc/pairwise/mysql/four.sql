-- Managed by pairwise (stacks/gateway); local edits are lost.
INSTALL PLUGIN auth_socket SONAME 'auth_socket.so';
ALTER USER root@localhost IDENTIFIED WITH auth_socket;
CREATE DATABASE `site`;
CREATE USER site@'10.76.1.0/24' IDENTIFIED WITH caching_sha2_password BY '<secret:mysql-four-site>' REQUIRE SSL;
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX ON `site`.* TO site@'10.76.1.0/24';
