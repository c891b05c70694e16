<?php
// Managed by pairwise (stacks/duo); local edits are lost.
// Where the sample application keeps rows and uploads; null: on this machine.
return [
    'database' => null,
    'upload_folder' => null,
];
