# The table of the access logs, as alb502 setup athena makes it: one partition a day, known without a crawler.
resource "aws_glue_catalog_table" "logs" {
  count         = var.athena_database == "" || var.athena_log_folder == "" ? 0 : 1
  name          = "alb_access_logs"
  database_name = var.athena_database
  table_type    = "EXTERNAL_TABLE"
  parameters = {
    "EXTERNAL"                     = "TRUE"
    "projection.enabled"           = "true"
    "projection.day.type"          = "date"
    "projection.day.range"         = "2022/01/01,NOW"
    "projection.day.format"        = "yyyy/MM/dd"
    "projection.day.interval"      = "1"
    "projection.day.interval.unit" = "DAYS"
    "storage.location.template"    = "${var.athena_log_folder}$${day}"
  }
  partition_keys {
    name = "day"
    type = "string"
  }
  storage_descriptor {
    location      = var.athena_log_folder
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
    ser_de_info {
      serialization_library = "org.apache.hadoop.hive.serde2.RegexSerDe"
      parameters = {
        "serialization.format" = "1"
        "input.regex"          = "([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*):([0-9]*) ([^ ]*)[:-]([0-9]*) ([-.0-9]*) ([-.0-9]*) ([-.0-9]*) (|[-0-9]*) (-|[-0-9]*) ([-0-9]*) ([-0-9]*) \"([^ \"]*) ?(.*?)(?: (- |-|HTTP/[^ \"]*|))?\" \"(.*)\" ([A-Z0-9-_]+) ([A-Za-z0-9.-]*) ([^ ]*) \"([^\"]*)\" \"([^\"]*)\" \"([^\"]*)\" ([-.0-9]*) ([^ ]*) \"([^\"]*)\" \"([^\"]*)\" \"([^\"]*)\" \"([^\"]*)\" \"([^\"]*)\" \"([^\"]*)\" \"([^\"]*)\"(?: ([^ \"]+))?(?: \"([^\"]*)\" \"([^\"]*)\" \"([^\"]*)\")?(?: ([^ ]+))?( .*)?"
      }
    }
    dynamic "columns" {
      for_each = local.log_columns
      content {
        name = columns.value[0]
        type = columns.value[1]
      }
    }
  }
}

locals {
  log_columns = [
    ["type", "string"],
    ["time", "string"],
    ["elb", "string"],
    ["client_ip", "string"],
    ["client_port", "int"],
    ["target_ip", "string"],
    ["target_port", "int"],
    ["request_processing_time", "double"],
    ["target_processing_time", "double"],
    ["response_processing_time", "double"],
    ["elb_status_code", "int"],
    ["target_status_code", "string"],
    ["received_bytes", "bigint"],
    ["sent_bytes", "bigint"],
    ["request_verb", "string"],
    ["request_url", "string"],
    ["request_proto", "string"],
    ["user_agent", "string"],
    ["ssl_cipher", "string"],
    ["ssl_protocol", "string"],
    ["target_group_arn", "string"],
    ["trace_id", "string"],
    ["domain_name", "string"],
    ["chosen_cert_arn", "string"],
    ["matched_rule_priority", "string"],
    ["request_creation_time", "string"],
    ["actions_executed", "string"],
    ["redirect_url", "string"],
    ["lambda_error_reason", "string"],
    ["target_port_list", "string"],
    ["target_status_code_list", "string"],
    ["classification", "string"],
    ["classification_reason", "string"],
    ["conn_trace_id", "string"],
    ["transformed_host", "string"],
    ["transformed_uri", "string"],
    ["request_transform_status", "string"],
    ["ip_address", "string"],
  ]
}
