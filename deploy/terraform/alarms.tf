# Alarms: EventBridge or SNS puts them into the queue, the bot takes them out.
resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-alarms-dead-letters"
  message_retention_seconds = 1209600
  kms_master_key_id         = var.kms_key_arn == "" ? null : var.kms_key_arn
  sqs_managed_sse_enabled   = var.kms_key_arn == "" ? true : null
}

resource "aws_sqs_queue" "alarms" {
  name                       = "${var.name}-alarms"
  message_retention_seconds  = 345600
  visibility_timeout_seconds = 60
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letters.arn, maxReceiveCount = 5 })
  kms_master_key_id          = var.kms_key_arn == "" ? null : var.kms_key_arn
  sqs_managed_sse_enabled    = var.kms_key_arn == "" ? true : null
}

resource "aws_sqs_queue_policy" "alarms" {
  queue_url = aws_sqs_queue.alarms.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "EventBridgeSendsAlarms"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = aws_sqs_queue.alarms.arn
        Condition = { ArnLike = { "aws:SourceArn" = "arn:${local.partition}:events:${local.region}:${local.account}:rule/*" } }
      },
      {
        Sid       = "TopicsOfThisAccountSendAlarms"
        Effect    = "Allow"
        Principal = { Service = "sns.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = aws_sqs_queue.alarms.arn
        Condition = { ArnLike = { "aws:SourceArn" = "arn:${local.partition}:sns:*:${local.account}:*" } }
      },
      {
        Sid       = "OnlyEncryptedConnections"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = aws_sqs_queue.alarms.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

locals {
  alarm_pattern = jsonencode({
    source      = ["aws.cloudwatch"]
    detail-type = ["CloudWatch Alarm State Change"]
    "$or" = [
      { detail = { configuration = { metrics = { metricStat = { metric = { namespace = ["AWS/ApplicationELB"] } } } } } },
      { detail = { configuration = { alarmRule = [{ exists = true }] } } },
    ]
  })
}

resource "aws_cloudwatch_event_rule" "alarms" {
  name          = "${var.name}-alarms"
  description   = "Alarms on Application Load Balancers, and composite alarms, to alb502."
  event_pattern = local.alarm_pattern
}

resource "aws_cloudwatch_event_target" "alarms" {
  rule      = aws_cloudwatch_event_rule.alarms.name
  target_id = "alb502"
  arn       = aws_sqs_queue.alarms.arn
}

# Alarms of other accounts arrive at a bus of their own.
resource "aws_cloudwatch_event_bus" "alarms" {
  count = var.organization == "" ? 0 : 1
  name  = "${var.name}-alarms"
}

resource "aws_cloudwatch_event_bus_policy" "alarms" {
  count          = var.organization == "" ? 0 : 1
  event_bus_name = aws_cloudwatch_event_bus.alarms[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AccountsOfTheOrganization"
      Effect    = "Allow"
      Principal = "*"
      Action    = "events:PutEvents"
      Resource  = aws_cloudwatch_event_bus.alarms[0].arn
      Condition = { StringEquals = { "aws:PrincipalOrgID" = var.organization } }
    }]
  })
}

resource "aws_cloudwatch_event_rule" "other_accounts" {
  count          = var.organization == "" ? 0 : 1
  name           = "${var.name}-other-accounts"
  description    = "Alarms that other accounts forwarded, to alb502."
  event_bus_name = aws_cloudwatch_event_bus.alarms[0].name
  event_pattern  = local.alarm_pattern
}

resource "aws_cloudwatch_event_target" "other_accounts" {
  count          = var.organization == "" ? 0 : 1
  rule           = aws_cloudwatch_event_rule.other_accounts[0].name
  event_bus_name = aws_cloudwatch_event_bus.alarms[0].name
  target_id      = "alb502"
  arn            = aws_sqs_queue.alarms.arn
}
