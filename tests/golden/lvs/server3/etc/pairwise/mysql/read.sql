-- Managed by pairwise (stacks/lvs); local edits are lost.
INSTALL PLUGIN auth_socket SONAME 'auth_socket.so';
ALTER USER root@localhost IDENTIFIED WITH auth_socket;
-- Database and accounts come with a copy of the source.
