<?php
// Managed by pairwise (stacks/six); local edits are lost.
// Where the sample application keeps rows and uploads; null: on this machine.
return [
    'database' => [
        'address' => '10.71.1.211',
        'port' => 3306,
        'read_port' => 3306,
        'name' => 'site',
        'user' => 'site',
        'password' => '<secret:data-site>',
        'certificate' => '/etc/pairwise/mysql-ca.pem',
    ],
    'upload_folder' => '/srv/files/uploads',
];
