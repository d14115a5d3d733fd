"""What a municipality runs: it assumes the provider's role at the regional
endpoint of STS, and makes the same call with the role's credentials."""

import os

import boto3

sts = boto3.client("sts", region_name="ap-northeast-1", endpoint_url=os.environ["STS_ENDPOINT"])
role = sts.assume_role(RoleArn=os.environ["ROLE_ARN"], RoleSessionName="assume_role_session")
keys = role["Credentials"]
session = boto3.session.Session(
    aws_access_key_id=keys["AccessKeyId"],
    aws_secret_access_key=keys["SecretAccessKey"],
    aws_session_token=keys["SessionToken"],
)
bedrock = session.client("bedrock-runtime", region_name="ap-northeast-1")
question = {"role": "user", "content": [{"text": "こんにちは"}]}
print(bedrock.converse(modelId="jp.anthropic.claude-haiku-4-5-20251001-v1:0", messages=[question]))
