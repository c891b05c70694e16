<?php
// Managed by pairwise (stacks/lvs); local edits are lost.
// Where the sample application keeps rows and uploads; null: on this machine.
return [
    'database' => [
        'address' => '10.75.1.211',
        'port' => 3306,
        'read_port' => 3306,
        'name' => 'site',
        'user' => 'site',
        'password' => '<secret:directors-site>',
        'certificate' => '/etc/pairwise/mysql-ca.pem',
    ],
    'upload_folder' => null,
];
