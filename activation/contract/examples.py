"""What to write for a part that a contract lacks."""

EXAMPLES = {
    "sync": "sync: salesforce_contact",
    "objective": "objective: >-\n  What people do better once these fields are there.",
    "owner": "owner: team:customer-success",
    "source": "source:\n  {model: customer_churn, grain: [customer_id], version: scored_at}",
    "destination": (
        "destination:\n  {connection: salesforce, object: Contact, key: Customer_Key__c}"
    ),
    "fields": (
        "fields:\n"
        "  - {to: Churn__c, column: churn_score, type: integer, nulls: keep, data_class: none}"
    ),
    "consent": (
        "consent:\n"
        "  subject: person\n"
        "  purpose: customer_success\n"
        "  channel: crm\n"
        "  sources:\n"
        "    - {model: customer_consent, join: {customer_id: customer_id}, max_lag: 36h}\n"
        "  on_revoke: {do: clear}"
    ),
    "freshness": "freshness:\n  max_age: 30h",
    "guards": (
        "guards:\n  {changed: 30%, created: 5%, cleared: 2%, deleted: 0%, lost: 2%, grain: 1%}"
    ),
    "quota": "quota:\n  {requests_per_day: 2000, concurrency: 4}",
    "rollout": (
        "rollout: {salt: contacts-1, phases: [{name: canary, share: 1%},\n"
        "                                     {name: full, share: 100%}]}"
    ),
    "replay": (
        "replay: {attempts: 5, within: 5m, first_wait: 1s, longest_wait: 30s,\n"
        "         keep_dead_letters: 30d}"
    ),
    "parity": "parity:\n  {mode: full, unexplained: 0.1%}",
    "alerting": (
        "alerting: {channel: customer-success, severity: high, dead_letters: 1%,\n"
        "           runbook: docs/runbooks/salesforce_contact.md}"
    ),
}
"""Key: lines that stand in a contract as they are; the tests load each."""
