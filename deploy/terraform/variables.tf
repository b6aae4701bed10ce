variable "name" {
  description = "Name of the bot, and how the names of everything it needs begin."
  type        = string
  default     = "alb502"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "Give 2 to 31 lower-case letters, digits and hyphens that begin with a letter."
  }
}

variable "image" {
  description = "Image built from deploy/Dockerfile and pushed to a registry that the task can pull from, such as Amazon ECR."
  type        = string
}

variable "slack_secret" {
  description = "ARN of a secret in Secrets Manager that holds the JSON {\"SLACK_BOT_TOKEN\": \"xoxb-...\", \"SLACK_APP_TOKEN\": \"xapp-...\"}, encrypted with the key aws/secretsmanager. If another key encrypts it, that key's policy must let the execution role decrypt."
  type        = string
}

variable "default_channel" {
  description = "ID of the Slack channel for alarms that no route matches. Slack shows it at the end of the channel's details."
  type        = string
  validation {
    condition     = can(regex("^[CG][A-Z0-9]{2,}$", var.default_channel))
    error_message = "Give the ID of a channel, such as C0123456789, not its name."
  }
}

variable "configuration" {
  description = "Further configuration, such as { accounts = [...], alarms = { routes = [...] } }; see docs/configuration.md. What this module sets wins over it."
  type        = any
  default     = {}
}

variable "architecture" {
  description = "Processor that the image was built for: X86_64 or ARM64, which costs about a fifth less."
  type        = string
  default     = "X86_64"
  validation {
    condition     = contains(["X86_64", "ARM64"], var.architecture)
    error_message = "Give X86_64 or ARM64."
  }
}

variable "vpc_id" {
  description = "VPC of the task."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets that reach Slack and AWS over HTTPS, through a NAT gateway or with a public address."
  type        = list(string)
}

variable "assign_public_ip" {
  description = "True for subnets with an internet gateway and no NAT gateway."
  type        = bool
  default     = false
}

variable "log_buckets" {
  description = "Buckets with access logs, and how the keys of the logs begin, such as AWSLogs/ or team/AWSLogs/."
  type        = list(object({ bucket = string, prefix = optional(string, "AWSLogs/") }))
}

variable "log_group" {
  description = "Log groups of vended access logs; a * stands for any text. AWS recommends the prefix /aws/vendedlogs/."
  type        = string
  default     = "/aws/vendedlogs/*"
}

variable "athena_database" {
  description = "Existing Glue database for the table of the access logs. Leave empty to read small logs from S3 only, without Athena."
  type        = string
  default     = ""
}

variable "athena_cutoff_bytes" {
  description = "Athena cancels a query of the bot that scans more bytes than this. 200 GB cost about 1 USD."
  type        = number
  default     = 200000000000
}

variable "organization" {
  description = "ID of the AWS organization whose other accounts send alarms and have the role of ../stackset-role.yml. Leave empty for one account."
  type        = string
  default     = ""
}

variable "reader_role_name" {
  description = "Name of the role that ../stackset-role.yml creates in each other account."
  type        = string
  default     = "alb502-reader"
}

variable "kms_key_arn" {
  description = "ARN of a KMS key for the queues, the log group and the run records. Its policy must allow the services sqs, logs, sns and events. Leave empty for keys managed by AWS."
  type        = string
  default     = ""
}

variable "own_alarms_topic_arn" {
  description = "ARN of the SNS topic for alarms about the bot itself. Leave empty to only see them in CloudWatch."
  type        = string
  default     = ""
}

variable "athena_log_folder" {
  description = "Folder of the access logs of one account and region, for the table, such as s3://logs/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/. It needs athena_database. Leave empty to make the table yourself with alb502 setup athena."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(s3://[a-z0-9.-]+/.*AWSLogs/[0-9]{12}/elasticloadbalancing/[a-z0-9-]+/)?$", var.athena_log_folder))
    error_message = "Give the folder from s3:// to the slash behind the region."
  }
}
