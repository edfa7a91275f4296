"""Where the custom bots of Lark and Feishu listen."""

from typing import Final

HOSTS: Final = {"lark": "open.larksuite.com", "feishu": "open.feishu.cn"}
PATH: Final = "/open-apis/bot/v2/hook/"
