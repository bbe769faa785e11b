metadata description = 'Alerts, and who is mailed; docs/operate.md says what to do at each. The numbers are the app\'s own (src/telemetry/metrics.ts) but for the last, which must fire when the app says nothing.'

param location string
param tags object
param token string

@description('Empty: alerts show in the portal only.')
param email string
param applicationInsightsId string
param namespaceId string
param requestsHub string
param resultsHub string
param latencyMs int
param lagEvents int
param deadLettersPerMinute int

var groups = empty(email) ? [] : [people.id]

// A few requests prove nothing: below this many in a quarter of an hour, rates are not judged.
var enough = 20
var endings = 'customMetrics | where name == "inference_requests_total" | extend outcome = tostring(customDimensions.outcome)'

var rules = [
  {
    name: 'success-rate'
    title: 'hubscore: fewer than 95 % of requests end as a result'
    severity: 1
    query: '${endings} | summarize results = sumif(valueSum, outcome == "result"), all = sum(valueSum) | where all >= ${enough} and results < 0.95 * all'
  }
  {
    name: 'latency'
    title: 'hubscore: the 95th percentile from enqueued to scored is above ${latencyMs} ms'
    severity: 2
    query: 'customMetrics | where name == "inference_latency_seconds_bucket" | extend le = tostring(customDimensions.le) | extend upper = iff(le == "+Inf", 86400.0, todouble(le)) | summarize p95 = percentilew(upper, tolong(valueSum), 95), all = sum(valueSum) | where all >= ${enough} and p95 * 1000 > ${latencyMs}'
  }
  {
    name: 'lag'
    title: 'hubscore: more than ${lagEvents} requests wait, and the number grows'
    severity: 2
    query: 'customMetrics | where name == "hubscore_partition_lag_events" | summarize lag = min(valueSum) by partition = tostring(customDimensions.partition), minute = bin(timestamp, 1m) | summarize lag = max(lag) by partition, early = minute < ago(10m), late = minute > ago(5m) | summarize before = sumif(lag, early), after = sumif(lag, late) | where after > ${lagEvents} and after > before'
  }
  {
    name: 'dead-letters'
    title: 'hubscore: more than ${deadLettersPerMinute} dead letters a minute'
    severity: 2
    query: '${endings} | where outcome == "dead_letter" | summarize letters = sum(valueSum) | where letters > 15 * ${deadLettersPerMinute}'
  }
  {
    name: 'circuit-open'
    title: 'hubscore: a circuit breaker is open'
    severity: 1
    query: 'customMetrics | where name == "hubscore_breaker_state" and valueSum == 2 | summarize seen = count() by target = tostring(customDimensions.target)'
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

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: 'alert-${rule.name}-${token}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.title
      description: 'What to do: docs/operate.md, ${rule.name}.'
      severity: rule.severity
      enabled: true
      scopes: [applicationInsightsId]
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

// From the namespace's own numbers: it fires when the app is not there to count.
resource noResults 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'alert-no-results-${token}'
  location: 'global'
  tags: tags
  properties: {
    description: 'hubscore: requests come in and no result goes out. What to do: docs/operate.md, no-results.'
    severity: 0
    enabled: true
    scopes: [namespaceId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'requests'
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: 'Microsoft.EventHub/namespaces'
          metricName: 'IncomingMessages'
          dimensions: [{ name: 'EntityName', operator: 'Include', values: [requestsHub] }]
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: 0
        }
        {
          name: 'results'
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: 'Microsoft.EventHub/namespaces'
          metricName: 'IncomingMessages'
          dimensions: [{ name: 'EntityName', operator: 'Include', values: [resultsHub] }]
          timeAggregation: 'Total'
          operator: 'LessThanOrEqual'
          threshold: 0
        }
      ]
    }
    actions: empty(email) ? [] : [{ actionGroupId: people.id }]
  }
}
