import { Hubs } from 'types.bicep'

metadata description = 'Who may do what: the least role at the narrowest scope, and why. test/unit/infra holds every line against the code that needs it.'

@description('Name of the app\'s identity.')
param appIdentityName string

@description('Object id of the app\'s identity.')
param appPrincipalId string

@description('Whether KEDA reads the lag in a cluster.')
param keda bool

@description('Name of KEDA\'s identity.')
param kedaIdentityName string

@description('Object id of KEDA\'s identity; empty: none.')
param kedaPrincipalId string

@description('Object id of who deploys; empty: no roles for people.')
param principalId string
@description('What that principal is.')
param principalType string

@description('Name of the Event Hubs namespace.')
param namespaceName string
@description('Names of the hubs.')
param hubs Hubs
@description('Name of the host\'s storage.')
param hostStorageName string
@description('Name of the model storage.')
param modelStorageName string
@description('Container with the models.')
param modelsContainer string
@description('Container with what the app keeps for itself.')
param monitorContainer string
@description('Container with batch jobs.')
param batchContainer string
@description('Container with the audit trail.')
param auditContainer string
@description('Name of Application Insights.')
param applicationInsightsName string

@description('Type of the built-in roles.')
var definitions = 'Microsoft.Authorization/roleDefinitions'
@description('Azure Event Hubs Data Receiver.')
var receiver = subscriptionResourceId(definitions, 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde')
@description('Azure Event Hubs Data Sender.')
var sender = subscriptionResourceId(definitions, '2b629674-e913-4c01-ae53-ef4638d8f975')
@description('Storage Blob Data Owner.')
var blobOwner = subscriptionResourceId(definitions, 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b')
@description('Storage Blob Data Contributor.')
var blobContributor = subscriptionResourceId(definitions, 'ba92f5b4-2d11-453d-a403-e96b0029c9fe')
@description('Storage Blob Data Reader.')
var blobReader = subscriptionResourceId(definitions, '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1')
@description('Storage Queue Data Contributor.')
var queueContributor = subscriptionResourceId(definitions, '974c5e8b-45b9-4653-ba55-5f855dd0fb88')
@description('Storage Table Data Contributor.')
var tableContributor = subscriptionResourceId(definitions, '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3')
@description('Storage Queue Data Reader.')
var queueReader = subscriptionResourceId(definitions, '19e7f393-937e-4f77-808e-94535e297925')
@description('Monitoring Metrics Publisher.')
var metricsPublisher = subscriptionResourceId(definitions, '3913510d-42f4-4e42-8a64-420c390055eb')

resource appIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: appIdentityName
}

resource kedaIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = if (keda) {
  name: kedaIdentityName
}

resource namespace 'Microsoft.EventHub/namespaces@2026-01-01' existing = {
  name: namespaceName
}

resource requests 'Microsoft.EventHub/namespaces/eventhubs@2026-01-01' existing = {
  parent: namespace
  name: hubs.requests
}

resource results 'Microsoft.EventHub/namespaces/eventhubs@2026-01-01' existing = {
  parent: namespace
  name: hubs.results
}

resource deadLetters 'Microsoft.EventHub/namespaces/eventhubs@2026-01-01' existing = {
  parent: namespace
  name: hubs.deadLetters
}

resource labels 'Microsoft.EventHub/namespaces/eventhubs@2026-01-01' existing = {
  parent: namespace
  name: hubs.labels
}

resource hostStorage 'Microsoft.Storage/storageAccounts@2026-06-01' existing = {
  name: hostStorageName
}

resource modelStorage 'Microsoft.Storage/storageAccounts@2026-06-01' existing = {
  name: modelStorageName
}

resource modelBlobs 'Microsoft.Storage/storageAccounts/blobServices@2026-06-01' existing = {
  parent: modelStorage
  name: 'default'
}

resource models 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-06-01' existing = {
  parent: modelBlobs
  name: modelsContainer
}

resource monitor 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-06-01' existing = {
  parent: modelBlobs
  name: monitorContainer
}

resource batch 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-06-01' existing = {
  parent: modelBlobs
  name: batchContainer
}

resource audit 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-06-01' existing = {
  parent: modelBlobs
  name: auditContainer
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

// ── The app ─────────────────────────────────────────────────────────────────────────────────────────────────────────

resource appReadsRequests 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(requests.id, appIdentity.id, receiver)
  scope: requests
  properties: {
    roleDefinitionId: receiver
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: 'score-requests is triggered by requests.'
  }
}

resource appSendsRequests 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(requests.id, appIdentity.id, sender)
  scope: requests
  properties: {
    roleDefinitionId: sender
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: 'Replay sends dead letters back as requests.'
  }
}

resource appReadsResults 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(results.id, appIdentity.id, receiver)
  scope: results
  properties: {
    roleDefinitionId: receiver
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: 'The ledger reads from the results\' tail how far each partition is scored.'
  }
}

resource appSendsResults 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(results.id, appIdentity.id, sender)
  scope: results
  properties: {
    roleDefinitionId: sender
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: 'Results go out.'
  }
}

resource appReadsDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(deadLetters.id, appIdentity.id, receiver)
  scope: deadLetters
  properties: {
    roleDefinitionId: receiver
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: 'The ledger reads the dead letters\' tail; replay reads dead letters.'
  }
}

resource appSendsDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(deadLetters.id, appIdentity.id, sender)
  scope: deadLetters
  properties: {
    roleDefinitionId: sender
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: 'Requests that cannot be scored go out.'
  }
}

resource appReadsModels 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(models.id, appIdentity.id, blobReader)
  scope: models
  properties: {
    roleDefinitionId: blobReader
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: 'The app loads models.'
  }
}

resource appKeepsVerdicts 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(monitor.id, appIdentity.id, blobContributor)
  scope: monitor
  properties: {
    roleDefinitionId: blobContributor
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: 'What trying a model has shown is kept for all instances.'
  }
}

resource appKeepsJobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(batch.id, appIdentity.id, blobContributor)
  scope: batch
  properties: {
    roleDefinitionId: blobContributor
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: 'Batch jobs, and inputs and outputs that lie beside them; other containers are yours to grant.'
  }
}

resource appReadsLabels 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(labels.id, appIdentity.id, receiver)
  scope: labels
  properties: {
    roleDefinitionId: receiver
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: 'The sweep holds ground truth against results.'
  }
}

@description('Blobs of a container, as conditions call them.')
var blobsOf = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs'

// What a rollout does by itself is a change of deployment.json. Models stay what they are to the app: it writes nothing else there, and deletes nothing.
resource appMovesDeployments 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(models.id, appIdentity.id, blobContributor)
  scope: models
  properties: {
    roleDefinitionId: blobContributor
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: 'The sweep rolls back, promotes and holds: it writes deployment.json, and nothing else among the models.'
    conditionVersion: '2.0'
    condition: '((!(ActionMatches{\'${blobsOf}/write\'}) AND !(ActionMatches{\'${blobsOf}/add/action\'}) AND !(ActionMatches{\'${blobsOf}/move/action\'}) AND !(ActionMatches{\'${blobsOf}/delete\'})) OR (@Resource[${blobsOf}:path] StringLike \'*/deployment.json\' AND !(ActionMatches{\'${blobsOf}/delete\'})))'
  }
}

resource appKeepsAudit 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(audit.id, appIdentity.id, blobContributor)
  scope: audit
  properties: {
    roleDefinitionId: blobContributor
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: 'What the sweep decides is appended to the audit trail.'
  }
}

resource hostOwnsBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, appIdentity.id, blobOwner)
  scope: hostStorage
  properties: {
    roleDefinitionId: blobOwner
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: 'AzureWebJobsStorage: package, checkpoints, partition ownership and timer leases in containers that the host creates.'
  }
}

resource hostUsesQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, appIdentity.id, queueContributor)
  scope: hostStorage
  properties: {
    roleDefinitionId: queueContributor
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: 'AzureWebJobsStorage: the host asks for queues; batch-chunks carries the work of batch jobs.'
  }
}

resource hostUsesTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, appIdentity.id, tableContributor)
  scope: hostStorage
  properties: {
    roleDefinitionId: tableContributor
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: 'AzureWebJobsStorage: the host writes its diagnostic events to a table.'
  }
}

resource appSendsTelemetry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(applicationInsights.id, appIdentity.id, metricsPublisher)
  scope: applicationInsights
  properties: {
    roleDefinitionId: metricsPublisher
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: 'Application Insights takes Entra tokens only.'
  }
}

// ── KEDA ────────────────────────────────────────────────────────────────────────────────────────────────────────────

resource kedaReadsRequests 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (keda) {
  name: guid(requests.id, kedaIdentity.id, receiver)
  scope: requests
  properties: {
    roleDefinitionId: receiver
    principalId: kedaPrincipalId
    principalType: 'ServicePrincipal'
    description: 'The scaler asks for the newest event of each partition.'
  }
}

resource kedaReadsCheckpoints 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (keda) {
  name: guid(hostStorage.id, kedaIdentity.id, blobReader)
  scope: hostStorage
  properties: {
    roleDefinitionId: blobReader
    principalId: kedaPrincipalId
    principalType: 'ServicePrincipal'
    description: 'The scaler reads the host\'s checkpoints.'
  }
}

resource kedaCountsChunks 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (keda) {
  name: guid(hostStorage.id, kedaIdentity.id, queueReader)
  scope: hostStorage
  properties: {
    roleDefinitionId: queueReader
    principalId: kedaPrincipalId
    principalType: 'ServicePrincipal'
    description: 'The scaler asks how many chunks of batch jobs wait.'
  }
}

// ── Who deploys ─────────────────────────────────────────────────────────────────────────────────────────────────────

resource personSendsRequests 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(principalId)) {
  name: guid(requests.id, principalId, sender)
  scope: requests
  properties: {
    roleDefinitionId: sender
    principalId: principalId
    principalType: principalType
    description: 'hubscore send.'
  }
}

resource personReadsRequests 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(principalId)) {
  name: guid(requests.id, principalId, receiver)
  scope: requests
  properties: {
    roleDefinitionId: receiver
    principalId: principalId
    principalType: principalType
    description: 'npm run host against this namespace; hubscore doctor.'
  }
}

resource personReadsResults 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(principalId)) {
  name: guid(results.id, principalId, receiver)
  scope: results
  properties: {
    roleDefinitionId: receiver
    principalId: principalId
    principalType: principalType
    description: 'hubscore tail; npm run host against this namespace.'
  }
}

resource personSendsResults 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(principalId)) {
  name: guid(results.id, principalId, sender)
  scope: results
  properties: {
    roleDefinitionId: sender
    principalId: principalId
    principalType: principalType
    description: 'npm run host against this namespace.'
  }
}

resource personReadsDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(principalId)) {
  name: guid(deadLetters.id, principalId, receiver)
  scope: deadLetters
  properties: {
    roleDefinitionId: receiver
    principalId: principalId
    principalType: principalType
    description: 'hubscore tail; npm run host against this namespace.'
  }
}

resource personSendsDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(principalId)) {
  name: guid(deadLetters.id, principalId, sender)
  scope: deadLetters
  properties: {
    roleDefinitionId: sender
    principalId: principalId
    principalType: principalType
    description: 'npm run host against this namespace.'
  }
}

resource personSendsLabels 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(principalId)) {
  name: guid(labels.id, principalId, sender)
  scope: labels
  properties: {
    roleDefinitionId: sender
    principalId: principalId
    principalType: principalType
    description: 'Ground truth comes in.'
  }
}

resource personChangesModels 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(principalId)) {
  name: guid(models.id, principalId, blobContributor)
  scope: models
  properties: {
    roleDefinitionId: blobContributor
    principalId: principalId
    principalType: principalType
    description: 'The hook after provisioning uploads the sample models; hubscore models push.'
  }
}

resource personKeepsVerdicts 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(principalId)) {
  name: guid(monitor.id, principalId, blobContributor)
  scope: monitor
  properties: {
    roleDefinitionId: blobContributor
    principalId: principalId
    principalType: principalType
    description: 'hubscore models push keeps what trying the model has shown.'
  }
}

resource personSubmitsJobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(principalId)) {
  name: guid(batch.id, principalId, blobContributor)
  scope: batch
  properties: {
    roleDefinitionId: blobContributor
    principalId: principalId
    principalType: principalType
    description: 'hubscore batch submit and its kin; tend-jobs sends the messages.'
  }
}

resource personKeepsAudit 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(principalId)) {
  name: guid(audit.id, principalId, blobContributor)
  scope: audit
  properties: {
    roleDefinitionId: blobContributor
    principalId: principalId
    principalType: principalType
    description: 'hubscore rollout start, models promote: who changes a deployment appends to its trail.'
  }
}
