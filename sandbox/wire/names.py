"""Names both the plans and the wires use: the one secret, who logs in, streams, channels.

Belongs here: constants of the wires. Does not: behaviour.
"""

SECRET = "sandbox-token"  # noqa: S105 - the sandbox has one secret, and it is no secret.
SECRET_ENV = "YUANMENG_SANDBOX_TOKEN"  # noqa: S105
CLIENT_ID = "yuanmeng"
USERNAME = "yuanmeng"
SCIM_EXTENSION = "urn:yuanmeng:params:scim:schemas:extension:worker:2.0:User"
ENTERPRISE_EXTENSION = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
TEAM = "T0SANDBOX01"
ALERTS_CHANNEL = "C0SANDBOX01"
REPORTS_CHANNEL = "C0SANDBOX02"
CHANNELS = {ALERTS_CHANNEL: "yuanmeng-alerts", REPORTS_CHANNEL: "yuanmeng-reports"}
STREAMS = {
    "hr": ("consents", "documents", "leave", "outcomes"),
    "school": ("admissions", "registrations", "diplomas"),
    "centre": ("class-confirmations",),
    "assessor": ("skill-results", "skill-certificates"),
    "union": ("objections",),
    "finance": ("payment-results",),
}
POSTS = {
    "school": ("applications", "graduations"),
    "assessor": ("skill-registrations",),
    "union": ("notices",),
    "finance": ("payments",),
}
CENTRE_SITE = "https://learn.example.edu.cn"
