metadata description = 'Platform logs and metrics to Log Analytics: what the namespace refused, who changed models, why a host did not start.'

@description('Resource id of the Log Analytics workspace.')
param workspaceId string
@description('Name of the Event Hubs namespace.')
param namespaceName string
@description('Name of the model storage.')
param modelStorageName string
@description('Name of the Functions app.')
param functionAppName string

resource namespace 'Microsoft.EventHub/namespaces@2026-01-01' existing = {
  name: namespaceName
}

resource modelStorage 'Microsoft.Storage/storageAccounts@2026-06-01' existing = {
  name: modelStorageName
}

resource modelBlobs 'Microsoft.Storage/storageAccounts/blobServices@2026-06-01' existing = {
  parent: modelStorage
  name: 'default'
}

resource functionApp 'Microsoft.Web/sites@2025-03-01' existing = {
  name: functionAppName
}

#disable-next-line use-recent-api-versions // the only version that is no preview is of 2016 and knows no category groups
resource namespaceToWorkspace 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: namespace
  properties: {
    workspaceId: workspaceId
    logAnalyticsDestinationType: 'Dedicated'
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

// Reads are left out: every instance reads models, and nobody asks who.
#disable-next-line use-recent-api-versions // the only version that is no preview is of 2016 and knows no category groups
resource modelsToWorkspace 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: modelBlobs
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'StorageWrite', enabled: true }
      { category: 'StorageDelete', enabled: true }
    ]
    metrics: [{ category: 'Transaction', enabled: true }]
  }
}

#disable-next-line use-recent-api-versions // the only version that is no preview is of 2016 and knows no category groups
resource functionAppToWorkspace 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: functionApp
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'FunctionAppLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}
