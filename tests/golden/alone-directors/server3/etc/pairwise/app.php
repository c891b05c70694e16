<?php
// Managed by pairwise (stacks/lvs); local edits are lost.
// Where the sample application keeps rows and uploads; null: on this machine.
return [
    'database' => null,
    'upload_folder' => null,
];
