<?php
// The application of the lab for PHP. What a request wants stands in its headers.
$trace = $_SERVER['HTTP_X_AMZN_TRACE_ID'] ?? '-';
file_put_contents('php://stderr', "start $trace\n");
usleep((int) (1000 * ($_SERVER['HTTP_X_LAB_WORK'] ?? 3 + mt_rand(0, 10))));
header('Content-Type: application/json');
echo json_encode(['items' => str_repeat('x', 200)]);
file_put_contents('php://stderr', "end $trace\n");
