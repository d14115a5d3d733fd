"""What a provider runs first: one call of Claude Haiku 4.5 by the inference
profile for Japan, with whatever credentials the environment has."""

import boto3

bedrock = boto3.client("bedrock-runtime", region_name="ap-northeast-1")
question = {"role": "user", "content": [{"text": "こんにちは"}]}
print(bedrock.converse(modelId="jp.anthropic.claude-haiku-4-5-20251001-v1:0", messages=[question]))
