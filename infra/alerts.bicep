import { Tags } from 'types.bicep'

metadata description = 'Alerts, and who is mailed; docs/operate.md says what to do at each. The numbers are the app\'s own (src/telemetry/metrics.ts); the last one sets them beside the namespace\'s.'

@description('Region.')
param location string
@description('Tags of every resource.')
param tags Tags
@description('Makes names unique.')
param token string

@description('Empty: alerts show in the portal only.')
param email string
@description('Resource id of Application Insights.')
param applicationInsightsId string

@description('Resource id of the Log Analytics workspace.')
param workspaceId string
@description('A 95th percentile above this fires.')
param latencyMs int
@description('More waiting requests than this fire, where the number grows.')
param lagEvents int
@description('More dead letters a minute than this fire.')
param deadLettersPerMinute int

@description('Who is mailed.')
var groups = empty(email) ? [] : [people.id]

@description('A few requests prove nothing: below this many in a quarter of an hour, rates are not judged.')
var enough = 20
@description('Requests that came to their ending.')
var endings = 'customMetrics | where name == "inference_requests_total" | extend outcome = tostring(customDimensions.outcome)'

@description('The alerts.')
var rules = [
  {
    name: 'success-rate'
    title: 'hubscore: fewer than 95 % of requests end as a result'
    severity: 1
    query: '${endings} | summarize results = sumif(valueSum, outcome == "result"), all = sum(valueSum) | where all >= ${enough} and results < 0.95 * all'
    scope: applicationInsightsId
  }
  {
    name: 'latency'
    title: 'hubscore: the 95th percentile from enqueued until the result was in the hub is above ${latencyMs} ms'
    severity: 2
    query: 'customMetrics | where name == "inference_end_to_end_seconds_bucket" | extend le = tostring(customDimensions.le) | extend upper = iff(le == "+Inf", 86400.0, todouble(le)) | summarize p95 = percentilew(upper, tolong(valueSum), 95), all = sum(valueSum) | where all >= ${enough} and p95 * 1000 > ${latencyMs}'
    scope: applicationInsightsId
  }
  {
    name: 'lag'
    title: 'hubscore: more than ${lagEvents} requests wait, and the number grows'
    severity: 2
    query: 'customMetrics | where name == "hubscore_partition_lag_events" | summarize lag = min(valueSum) by partition = tostring(customDimensions.partition), minute = bin(timestamp, 1m) | summarize lag = max(lag) by partition, early = minute < ago(10m), late = minute > ago(5m) | summarize before = sumif(lag, early), after = sumif(lag, late) | where after > ${lagEvents} and after > before'
    scope: applicationInsightsId
  }
  {
    name: 'dead-letters'
    title: 'hubscore: more than ${deadLettersPerMinute} dead letters a minute'
    severity: 2
    query: '${endings} | where outcome == "dead_letter" | summarize letters = sum(valueSum) | where letters > 15 * ${deadLettersPerMinute}'
    scope: applicationInsightsId
  }
  {
    name: 'circuit-open'
    title: 'hubscore: a circuit breaker is open'
    severity: 1
    query: 'customMetrics | where name == "hubscore_breaker_state" and valueSum == 2 | summarize seen = count() by target = tostring(customDimensions.target)'
    scope: applicationInsightsId
  }
  {
    name: 'batch-failed'
    title: 'hubscore: a batch job failed'
    severity: 1
    query: 'customMetrics | where name == "hubscore_batch_jobs_total" and tostring(customDimensions.state) == "failed" | summarize jobs = sum(valueSum) | where jobs > 0'
    scope: applicationInsightsId
  }
  {
    name: 'batch-at-risk'
    title: 'hubscore: a batch job will not be done by its deadline, or was not'
    severity: 2
    query: 'customMetrics | where name == "hubscore_batch_sla_total" | summarize jobs = sum(valueSum) | where jobs > 0'
    scope: applicationInsightsId
  }
  {
    name: 'batch-poison'
    title: 'hubscore: chunks of batch jobs were given up, since whoever took them ended'
    severity: 1
    query: 'customMetrics | where name == "hubscore_batch_chunks_total" and tostring(customDimensions.outcome) == "poison" | summarize chunks = sum(valueSum) | where chunks > 0'
    scope: applicationInsightsId
  }
  {
    name: 'rollback'
    title: 'hubscore: a candidate was taken back by itself'
    severity: 1
    query: 'customMetrics | where name == "hubscore_rollout_decisions_total" and tostring(customDimensions.action) == "rollback" | summarize rollbacks = sum(valueSum) by model = tostring(customDimensions.model) | where rollbacks > 0'
    scope: applicationInsightsId
  }
  {
    name: 'rollout-waiting'
    title: 'hubscore: a rollout is held, or undecided at its end, and waits for a person'
    severity: 2
    query: 'customMetrics | where name == "hubscore_rollout_waiting" and valueSum == 1 | summarize seen = count() by model = tostring(customDimensions.model), reason = tostring(customDimensions.reason)'
    scope: applicationInsightsId
  }
  {
    name: 'quarantine'
    title: 'hubscore: one more version of a model is in quarantine'
    severity: 3
    query: 'customMetrics | where name == "hubscore_quarantined_versions" | summarize least = min(valueSum), most = max(valueSum) by model = tostring(customDimensions.model) | where most > least'
    scope: applicationInsightsId
  }
  {
    name: 'sweep-behind'
    title: 'hubscore: the sweep does not keep up, so that rollouts are judged late'
    severity: 2
    query: 'customMetrics | where name == "hubscore_sweep_behind_events" | summarize behind = min(valueSum) by hub = tostring(customDimensions.hub) | where behind > ${lagEvents}'
    scope: applicationInsightsId
  }
  {
    name: 'drift'
    title: 'hubscore: what a model is asked or answers is no longer what it was trained on'
    severity: 2
    query: 'customMetrics | where name == "hubscore_drift_alarms" | summarize alarms = max(valueSum) by model = tostring(customDimensions.model), version = tostring(customDimensions.version), window = tostring(customDimensions.window) | where alarms > 0'
    scope: applicationInsightsId
  }
  // What the namespace says came in beside what the app says came to its ending: it fires when the app is not there to count. A metric alert on the results hub would not, where nothing ever went out.
  // Azure Monitor does not say by which hub, so results count as incoming, too, and so does ground truth. The last minutes are left out: the app's numbers come every minute.
  {
    name: 'no-results'
    title: 'hubscore: requests come in and none comes to its ending'
    severity: 0
    query: 'union (AzureMetrics | where ResourceProvider =~ "MICROSOFT.EVENTHUB" and MetricName == "IncomingMessages" and TimeGenerated < ago(5m) | project incoming = Total, ended = 0.0), (AppMetrics | where Name == "inference_requests_total" | project incoming = 0.0, ended = Sum) | summarize incoming = sum(incoming), ended = sum(ended) | where incoming > 0 and ended == 0'
    scope: workspaceId
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'ag-${token}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'hubscore'
    enabled: true
    emailReceivers: [{ name: 'email', emailAddress: email, useCommonAlertSchema: true }]
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for rule in rules: {
    name: 'alert-${rule.name}-${token}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.title
      description: 'What to do: docs/operate.md#${rule.name}.'
      severity: rule.severity
      enabled: true
      scopes: [rule.scope]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      autoMitigate: true
      // The tables fill only once the app runs.
      skipQueryValidation: true
      actions: { actionGroups: groups }
    }
  }
]
