# The application of the lab for Rack. What a request wants stands in its headers.
$stdout.sync = true
run lambda { |env|
  trace = env['HTTP_X_AMZN_TRACE_ID'] || '-'
  puts "start #{trace}"
  env['rack.input']&.read
  sleep((env['HTTP_X_LAB_WORK'] || 3 + 10 * rand).to_f / 1000)
  Process.kill(:KILL, Process.pid) if env['HTTP_X_LAB_DO'] == 'exit'
  body = %({"path":"#{env['PATH_INFO']}","items":"#{'x' * 200}"})
  puts "end #{trace}"
  [200, { 'content-type' => 'application/json', 'content-length' => body.bytesize.to_s }, [body]]
}
