resource "aws_cloudwatch_log_group" "bot" {
  name_prefix       = "${var.name}-"
  retention_in_days = 90
  kms_key_id        = var.kms_key_arn == "" ? null : var.kms_key_arn
}

resource "aws_ecs_cluster" "bot" {
  name = var.name
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

# No way in: the bot connects out to Slack and AWS.
resource "aws_security_group" "bot" {
  name_prefix = "${var.name}-"
  description = "alb502 connects out to Slack and AWS"
  vpc_id      = var.vpc_id
  egress {
    description = "Slack and AWS"
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_ecs_task_definition" "bot" {
  family = var.name
  # 1 vCPU decompresses and scans about 100 MB of log a second. With an Athena table, four diagnoses at once stay below
  # 2 GB. Without one, each large window takes up to 2.2 GB: raise the memory, or lower limits.atOnce.
  cpu                      = 1024
  memory                   = 4096
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  task_role_arn            = aws_iam_role.task.arn
  execution_role_arn       = aws_iam_role.execution.arn
  # Log files are downloaded while they are read.
  ephemeral_storage {
    size_in_gib = 30
  }
  runtime_platform {
    cpu_architecture        = var.architecture
    operating_system_family = "LINUX"
  }
  volume {
    name = "temporary"
  }
  volume {
    name = "work"
  }
  container_definitions = jsonencode([{
    name                   = "alb502"
    image                  = var.image
    essential              = true
    command                = ["serve"]
    readonlyRootFilesystem = true
    stopTimeout            = 40
    linuxParameters        = { initProcessEnabled = true }
    mountPoints = [
      { sourceVolume = "temporary", containerPath = "/tmp" },
      { sourceVolume = "work", containerPath = "/var/lib/alb502" },
    ]
    healthCheck = {
      command     = ["CMD", "node", "/app/node_modules/alb502/dist/cli.js", "health"]
      interval    = 30
      timeout     = 10
      retries     = 3
      startPeriod = 60
    }
    environment = [
      { name = "ALB502_CONFIG_JSON", value = jsonencode(var.configuration) },
      { name = "ALB502_RUNS_BUCKET", value = aws_s3_bucket.runs.bucket },
      { name = "ALB502_RUNS_PREFIX", value = "alb502/" },
      { name = "ALB502_ALARM_QUEUE_URL", value = aws_sqs_queue.alarms.url },
      { name = "ALB502_ALARM_DEFAULT_CHANNEL", value = var.default_channel },
      { name = "ALB502_METRICS", value = "emf" },
      { name = "ALB502_ATHENA_WORKGROUP", value = var.athena_database == "" ? "primary" : var.name },
      { name = "ALB502_ATHENA_DATABASE", value = var.athena_database == "" ? "default" : var.athena_database },
    ]
    secrets = [
      { name = "SLACK_BOT_TOKEN", valueFrom = "${var.slack_secret}:SLACK_BOT_TOKEN::" },
      { name = "SLACK_APP_TOKEN", valueFrom = "${var.slack_secret}:SLACK_APP_TOKEN::" },
    ]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.bot.name
        awslogs-region        = local.region
        awslogs-stream-prefix = "alb502"
      }
    }
  }])
}

resource "aws_ecs_service" "bot" {
  name            = var.name
  cluster         = aws_ecs_cluster.bot.id
  task_definition = aws_ecs_task_definition.bot.arn
  launch_type     = "FARGATE"
  desired_count   = 1
  propagate_tags  = "SERVICE"
  # Replicas share their work in S3, so an old and a new task may overlap.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.bot.id]
    assign_public_ip = var.assign_public_ip
  }
  depends_on = [aws_s3_bucket_policy.runs, aws_sqs_queue_policy.alarms]
}
