# What the bot may do: the policies beside this module, with the names of its resources filled in.
locals {
  assumed_by_tasks = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })

  # What stands for a list of buckets is replaced with its quotation marks: each bucket gets a resource of its own.
  logs_read = replace(
    replace(
      replace(
        file("${path.module}/../iam-policy.json"),
        "\"arn:aws:s3:::LOG-BUCKET/LOG-PREFIX*\"",
        jsonencode([for place in var.log_buckets : "arn:aws:s3:::${place.bucket}/${place.prefix}*"]),
      ),
      "\"arn:aws:s3:::LOG-BUCKET\"",
      jsonencode([for place in var.log_buckets : "arn:aws:s3:::${place.bucket}"]),
    ),
    "\"LOG-PREFIX*\"",
    jsonencode([for place in var.log_buckets : "${place.prefix}*"]),
  )
  everything = jsondecode(replace(
    replace(
      replace(
        replace(
          replace(local.logs_read, "LOG-GROUP:*", var.log_group),
          "RESULTS-BUCKET/RESULTS-PREFIX", "${aws_s3_bucket.runs.bucket}/athena/",
        ),
        "RESULTS-BUCKET", aws_s3_bucket.runs.bucket,
      ),
      "workgroup/WORKGROUP", "workgroup/${var.name}",
    ),
    "/DATABASE", "/${var.athena_database}",
  ))
  of_athena = ["QueryLogFiles", "FindTheTable", "QueryResults", "WriteQueryResults"]
  statements = [
    for statement in local.everything.Statement : statement
    if var.athena_database != "" || !contains(local.of_athena, statement.Sid)
  ]
  alarm_statements = jsondecode(replace(
    replace(
      file("${path.module}/../iam-policy-alarms.json"),
      "arn:aws:sqs:*:*:ALARM-QUEUE-dead-letters", aws_sqs_queue.dead_letters.arn,
    ),
    "arn:aws:sqs:*:*:ALARM-QUEUE", aws_sqs_queue.alarms.arn,
  )).Statement
  run_statements = jsondecode(replace(
    replace(file("${path.module}/../iam-policy-runs-in-s3.json"), "RUNS-BUCKET", aws_s3_bucket.runs.bucket),
    "RUNS-PREFIX", "alb502",
  )).Statement
}

resource "aws_iam_role" "task" {
  name_prefix        = "${var.name}-task-"
  assume_role_policy = local.assumed_by_tasks
}

resource "aws_iam_role_policy" "read" {
  name = "read"
  role = aws_iam_role.task.id
  # The policies are written for the partition aws.
  policy = replace(jsonencode({ Version = "2012-10-17", Statement = local.statements }), "arn:aws:", "arn:${local.partition}:")
}

resource "aws_iam_role_policy" "alarms" {
  name   = "alarms"
  role   = aws_iam_role.task.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.alarm_statements })
}

resource "aws_iam_role_policy" "runs" {
  name   = "runs"
  role   = aws_iam_role.task.id
  policy = replace(jsonencode({ Version = "2012-10-17", Statement = local.run_statements }), "arn:aws:", "arn:${local.partition}:")
}

resource "aws_iam_role_policy" "key" {
  count = var.kms_key_arn == "" ? 0 : 1
  name  = "key"
  role  = aws_iam_role.task.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = var.kms_key_arn }]
  })
}

resource "aws_iam_role_policy" "other_accounts" {
  count = var.organization == "" ? 0 : 1
  name  = "other-accounts"
  role  = aws_iam_role.task.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Resource  = "arn:${local.partition}:iam::*:role/${var.reader_role_name}"
      Condition = { StringEquals = { "aws:ResourceOrgID" = var.organization } }
    }]
  })
}

# What starts the task: it pulls the image, reads the Slack secret and writes logs.
resource "aws_iam_role" "execution" {
  name_prefix        = "${var.name}-execution-"
  assume_role_policy = local.assumed_by_tasks
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

resource "aws_iam_role_policy" "slack_secret" {
  name = "slack-secret"
  role = aws_iam_role.execution.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "secretsmanager:GetSecretValue", Resource = var.slack_secret }]
  })
}
