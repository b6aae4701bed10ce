output "queue_url" {
  description = "Queue of alarms. Subscribe SNS topics of this account to it, or rely on the EventBridge rule."
  value       = aws_sqs_queue.alarms.url
}

output "task_role_arn" {
  description = "HubRole of ../stackset-role.yml in the other accounts."
  value       = aws_iam_role.task.arn
}

output "alarm_bus_arn" {
  description = "AlarmBus of ../stackset-role.yml in the other accounts; null without an organization."
  value       = one(aws_cloudwatch_event_bus.alarms[*].arn)
}

output "runs_bucket" {
  description = "Bucket of run records. Terraform does not delete it while it holds records."
  value       = aws_s3_bucket.runs.bucket
}

output "log_group" {
  description = "Log of the bot, JSON lines."
  value       = aws_cloudwatch_log_group.bot.name
}
