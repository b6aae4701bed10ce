/** Text of `alb502 --help`, in its own file so that help loads nothing else. */
export const HELP = `Finds the root cause of a load balancer's 502, 503 and 504 errors.

  alb502 demo [incident]         diagnose an incident that ships with alb502
  alb502 diagnose [load-balancer] [last 15m | from T to T] [502 | 503 | 5xx ...]
                                 diagnose a load balancer in AWS, given by name,
                                 part of its name, ARN or DNS name. Times are
                                 UTC unless they name a zone: 14:40 CET. The
                                 default is the last 15 minutes. Changes no AWS
                                 resource; Athena stores its query results
      --region <region>          region of the load balancer, if not the default
      --profile <name>           profile of the AWS configuration
      --config <file>            configuration file (default: alb502.json)
      --engine <engine>          how to read the access log: athena (query its
                                 table), duckdb (download the files from S3 and
                                 read them locally), cloudwatch-logs (query the
                                 log group) or auto (the default)
      --max-usd <amount>         the most that reading the access log may cost,
                                 in US dollars (default: 1)
      --wait                     retry until the access log is complete, up to
                                 15 minutes after the window, and print the
                                 final diagnosis
      --look-back <duration>     also read the access log from before the window,
                                 24h for example, to measure the targets'
                                 keep-alive timeout when the window has too few
                                 errors (about 5 are needed)
      --from <dir>               diagnose a recorded incident instead: a folder
                                 with access logs, metrics and AWS CLI output
      --save <dir>               also save the evidence, redacted, as a folder
                                 that --from can read
      --json                     print the diagnosis as JSON
      --markdown                 print it as Markdown, for a post-mortem
      --redact                   show only the parts of requests that are safe
                                 to share
  alb502 doctor [load-balancer]  show what works in AWS and what is missing,
                                 with the permission or setting to add
      --strict                   exit with code 3 if anything is missing
  alb502 setup slack             print the manifest of the Slack app
  alb502 setup iam               print the IAM policy of the bot, with names
                                 filled in
  alb502 setup config            print a configuration to start from
  alb502 setup alarms            print the commands that route CloudWatch alarms
                                 to the bot
  alb502 setup logs <load-balancer>
                                 print the commands that turn on the access log
  alb502 setup athena [--create] [load-balancer]
                                 print the CREATE TABLE for the access logs of
                                 this account and region. --create also runs it:
                                 the only option that creates an AWS resource
  alb502 serve                   run the Slack bot; tokens come from the
                                 environment, the rest from the configuration
      --check                    check tokens, configuration and permissions,
                                 then exit
      --recorded <dir...>        answer from recorded incidents instead of AWS,
                                 to try the bot
  alb502 health [--ready]        check that the bot on this machine is up; with
                                 --ready, that it is connected to Slack
  alb502 alarm                   read a CloudWatch alarm message from standard
                                 input. With SLACK_BOT_TOKEN, post to Slack as
                                 the bot would; otherwise print the parsed alarm
                                 and the diagnosis
      --dry-run                  print them even with SLACK_BOT_TOKEN; post
                                 nothing
      --recorded <dir...>        answer from recorded incidents instead of AWS
  alb502 help <command>          show the help of a command
  alb502 --version

  alb502 diagnose my-alb last 15m --wait
  alb502 diagnose --from incident/ shop-prod from 02:40 to 02:55 502
  alb502 diagnose --from incident/ --markdown > post-mortem.md

Exit code 0: diagnosed, even if nothing failed; 1: the question or an option is
invalid; 2: failed (AWS, network, cost limit, internal error); 3: something is
missing (doctor --strict); 130: interrupted (--wait then prints what is known so
far).
`;
