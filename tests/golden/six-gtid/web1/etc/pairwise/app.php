<?php
// Managed by pairwise (stacks/six-gtid); local edits are lost.
// Where the sample application keeps rows and uploads; null: on this machine.
return [
    'database' => [
        'address' => '127.0.0.1',
        'port' => 3315,
        'read_port' => 3315,
        'name' => 'site',
        'user' => 'site',
        'password' => '<secret:data-site>',
        'certificate' => null,
    ],
    'upload_folder' => '/srv/files/uploads',
];
