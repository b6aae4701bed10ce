# Alarms about the bot itself. None of them is on a load balancer, so none opens a thread.
locals {
  own_alarm_actions = var.own_alarms_topic_arn == "" ? [] : [var.own_alarms_topic_arn]
}

resource "aws_cloudwatch_metric_alarm" "alarms_wait_too_long" {
  alarm_name          = "${var.name}-alarms-wait-too-long"
  alarm_description   = "Alarms have waited in the queue of alb502 for more than 5 minutes."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.alarms.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 5
  threshold           = 300
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.own_alarm_actions
  ok_actions          = local.own_alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "alarms_were_given_up" {
  alarm_name          = "${var.name}-alarms-were-given-up"
  alarm_description   = "alb502 gave up on an alarm; the dead-letter queue has it, and the log has the reason."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.own_alarm_actions
  ok_actions          = local.own_alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "bot_is_down" {
  alarm_name          = "${var.name}-is-down"
  alarm_description   = "No task of alb502 has run for 10 minutes."
  namespace           = "ECS/ContainerInsights"
  metric_name         = "RunningTaskCount"
  dimensions          = { ClusterName = aws_ecs_cluster.bot.name, ServiceName = aws_ecs_service.bot.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 10
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = local.own_alarm_actions
  ok_actions          = local.own_alarm_actions
}
