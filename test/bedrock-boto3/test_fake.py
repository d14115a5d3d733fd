"""boto3, as it comes, against the fake of Bedrock and STS. What it takes for
the real thing, the fake does right."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

FAKE = json.loads(os.environ["FAKE"])
HERE = pathlib.Path(__file__).parent
MODEL = "jp.anthropic.claude-haiku-4-5-20251001-v1:0"
KEYS = {"aws_access_key_id": FAKE["accessKeyId"], "aws_secret_access_key": FAKE["secretAccessKey"]}


def client(service, **keys):
    return boto3.client(
        service, region_name=FAKE["region"], endpoint_url=FAKE["bedrock"],
        config=Config(retries={"total_max_attempts": 1}), **(keys or KEYS),
    )  # fmt: skip


def ask(text):
    return {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": text}]}]}


def credentials(answer):
    keys = answer["Credentials"]
    return {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }


def seen():
    """The requests that the fake has seen, oldest first."""
    with urllib.request.urlopen(FAKE["control"] + "/requests") as answer:
        return json.load(answer)


def script(name, **more):
    """Runs a script with nothing but endpoints and credentials in its environment."""
    env = {
        "PATH": os.environ["PATH"], "PYTHONPATH": os.environ["PYTHONPATH"], "PYTHONIOENCODING": "utf-8",
        "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": FAKE["accessKeyId"], "AWS_SECRET_ACCESS_KEY": FAKE["secretAccessKey"],
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": FAKE["bedrock"], "AWS_ENDPOINT_URL_STS": FAKE["bedrock"],
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, str(HERE / name)], env={**env, **more}, capture_output=True, encoding="utf-8", timeout=60, check=False
    )


class TheScripts(unittest.TestCase):
    """The two of the article on calling Bedrock from a closed network."""

    def answered(self, run):
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("'output': {'message': {", run.stdout)
        self.assertIn("'stopReason': 'end_turn'", run.stdout)

    def test_the_providers(self):
        self.answered(script("own_account.py"))
        last = seen()[-1]
        self.assertEqual((last["Operation"], last["Model"], last["Service"], last["Region"]), ("Converse", MODEL, "bedrock", "ap-northeast-1"))
        self.assertEqual(last["Key"], FAKE["accessKeyId"])

    def test_the_municipalitys(self):
        self.answered(script("other_account.py", ROLE_ARN=FAKE["openRoleArn"], STS_ENDPOINT=FAKE["bedrock"]))
        assume, converse = seen()[-2:]
        self.assertEqual((assume["Operation"], assume["Service"], assume["Region"]), ("AssumeRole", "sts", "ap-northeast-1"))
        self.assertEqual((converse["Operation"], converse["Model"]), ("Converse", MODEL))
        self.assertTrue(converse["Caller"].endswith(":assumed-role/article/assume_role_session"), converse["Caller"])

    def test_without_an_external_id_that_is_asked_for(self):
        run = script("other_account.py", ROLE_ARN=FAKE["roleArn"], STS_ENDPOINT=FAKE["bedrock"])
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("An error occurred (AccessDenied) when calling the AssumeRole operation", run.stderr)


class Roles(unittest.TestCase):
    def test_a_wrong_external_id_is_denied(self):
        for wrong in ({}, {"ExternalId": "city-2"}, {"ExternalId": FAKE["externalId"].upper()}):
            with self.subTest(wrong), self.assertRaises(ClientError) as caught:
                client("sts").assume_role(RoleArn=FAKE["roleArn"], RoleSessionName="kakoi", **wrong)
            self.assertEqual(caught.exception.response["Error"]["Code"], "AccessDenied")
            self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 403)

    def test_tags_and_source_identity_are_seen(self):
        answer = client("sts").assume_role(
            RoleArn=FAKE["roleArn"], RoleSessionName="kakoi", ExternalId=FAKE["externalId"], SourceIdentity="yamada@city.example.lg.jp",
            Tags=[{"Key": "department", "Value": "財政課"}, {"Key": "system", "Value": "kakoi"}], TransitiveTagKeys=["department"],
        )  # fmt: skip
        client("bedrock-runtime", **credentials(answer)).converse(**ask("こんにちは"))
        last = seen()[-1]
        self.assertEqual(last["Operation"], "Converse")
        self.assertEqual(last["Tags"], {"department": "財政課", "system": "kakoi"})
        self.assertEqual(last["SourceIdentity"], "yamada@city.example.lg.jp")

    def test_a_role_of_a_profile(self):
        """boto3 assumes the role by itself, as a shared configuration says."""
        with tempfile.TemporaryDirectory() as work:
            config = pathlib.Path(work, "config")
            config.write_text(
                f"[profile keys]\naws_access_key_id={FAKE['accessKeyId']}\naws_secret_access_key={FAKE['secretAccessKey']}\n"
                f"[profile vendor]\nregion={FAKE['region']}\nsource_profile=keys\nrole_arn={FAKE['roleArn']}\nexternal_id={FAKE['externalId']}\n"
                "role_session_name=from-profile\n",
                encoding="utf-8",
            )
            probe = pathlib.Path(work, "probe.py")
            probe.write_text("import boto3\nprint(boto3.Session(profile_name='vendor').client('sts').get_caller_identity()['Arn'])\n", encoding="utf-8")
            run = script(str(probe), AWS_CONFIG_FILE=str(config), AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertTrue(run.stdout.strip().endswith(":assumed-role/vendor/from-profile"), run.stdout)

    def test_a_wrong_secret(self):
        with self.assertRaises(ClientError) as caught:
            client("sts", aws_access_key_id=FAKE["accessKeyId"], aws_secret_access_key="wrong").get_caller_identity()
        self.assertEqual(caught.exception.response["Error"]["Code"], "SignatureDoesNotMatch")


class Streams(unittest.TestCase):
    def test_a_stream_tells_its_usage_after_its_end(self):
        kinds, text, usage = [], "", None
        for event in client("bedrock-runtime").converse_stream(**ask("[[say 一二三四五六七八九十]]"))["stream"]:
            kind = next(iter(event))
            if not kinds or kinds[-1] != kind:
                kinds.append(kind)
            text += event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")
            usage = event.get("metadata", {}).get("usage", usage)
        self.assertEqual(text, "一二三四五六七八九十")
        self.assertEqual(kinds[-2:], ["messageStop", "metadata"])
        self.assertEqual(usage["outputTokens"], 5)

    def test_an_exception_inside_a_stream(self):
        text = ""
        with self.assertRaises(EventStreamError) as caught:
            for event in client("bedrock-runtime").converse_stream(**ask("[[error 3 throttling]] hello"))["stream"]:
                text += event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")
        self.assertIn("throttlingException", str(caught.exception))
        self.assertTrue(text)

    def test_refusals(self):
        for prompt, code in (
            ("[[throttle]]", "ThrottlingException"), ("[[denied scp]]", "AccessDeniedException"), ("[[denied form]]", "ResourceNotFoundException"),
            ("[[toolong]]", "ValidationException"), ("[[unavailable]]", "ServiceUnavailableException"),
        ):  # fmt: skip
            with self.subTest(prompt), self.assertRaises(ClientError) as caught:
                client("bedrock-runtime").converse(**ask(prompt + " hello"))
            self.assertEqual(caught.exception.response["Error"]["Code"], code)


class Lists(unittest.TestCase):
    def test_profiles_tell_where_they_lead(self):
        pages = client("bedrock").get_paginator("list_inference_profiles").paginate(typeEquals="SYSTEM_DEFINED")
        profiles = {p["inferenceProfileId"]: p for page in pages for p in page["inferenceProfileSummaries"]}
        self.assertEqual(
            [m["modelArn"].split(":")[3] for m in profiles[MODEL]["models"]], ["ap-northeast-1", "ap-northeast-3"]
        )

    def test_models(self):
        models = client("bedrock").list_foundation_models(byOutputModality="TEXT")["modelSummaries"]
        self.assertIn("amazon.nova-lite-v1:0", [m["modelId"] for m in models])


if __name__ == "__main__":
    unittest.main(verbosity=2)
