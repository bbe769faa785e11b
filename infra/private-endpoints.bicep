metadata description = 'Option: a private endpoint for everything that the app talks to.'

param location string
param tags object
param token string
param networkId string
param subnetId string
param namespaceId string
param hostStorageId string
param modelStorageId string

@description('Storage that Capture writes to; empty: none.')
param captureStorageId string

@description('The shared cache; empty: none.')
param redisId string
param workspaceId string
param applicationInsightsId string

var suffix = environment().suffixes.storage
var blobZone = 'privatelink.blob.${suffix}'

module eventHubs 'private-endpoint.bicep' = {
  name: 'private-endpoint-event-hubs'
  params: {
    location: location
    tags: tags
    name: 'pe-event-hubs-${token}'
    networkId: networkId
    subnetId: subnetId
    targetId: namespaceId
    groupId: 'namespace'
    zones: ['privatelink.servicebus.windows.net']
  }
}

module hostBlob 'private-endpoint.bicep' = {
  name: 'private-endpoint-host-blob'
  params: {
    location: location
    tags: tags
    name: 'pe-host-blob-${token}'
    networkId: networkId
    subnetId: subnetId
    targetId: hostStorageId
    groupId: 'blob'
    zones: [blobZone]
  }
}

module hostQueue 'private-endpoint.bicep' = {
  name: 'private-endpoint-host-queue'
  params: {
    location: location
    tags: tags
    name: 'pe-host-queue-${token}'
    networkId: networkId
    subnetId: subnetId
    targetId: hostStorageId
    groupId: 'queue'
    zones: ['privatelink.queue.${suffix}']
  }
}

module hostTable 'private-endpoint.bicep' = {
  name: 'private-endpoint-host-table'
  params: {
    location: location
    tags: tags
    name: 'pe-host-table-${token}'
    networkId: networkId
    subnetId: subnetId
    targetId: hostStorageId
    groupId: 'table'
    zones: ['privatelink.table.${suffix}']
  }
}

// Endpoints that share a DNS zone come one after another: the zone cannot be written twice at once.
module models 'private-endpoint.bicep' = {
  name: 'private-endpoint-models'
  params: {
    location: location
    tags: tags
    name: 'pe-models-${token}'
    networkId: networkId
    subnetId: subnetId
    targetId: modelStorageId
    groupId: 'blob'
    zones: [blobZone]
  }
  dependsOn: [hostBlob]
}

module capture 'private-endpoint.bicep' = if (!empty(captureStorageId)) {
  name: 'private-endpoint-capture'
  params: {
    location: location
    tags: tags
    name: 'pe-capture-${token}'
    networkId: networkId
    subnetId: subnetId
    targetId: captureStorageId
    groupId: 'blob'
    zones: [blobZone]
  }
  dependsOn: [models]
}

module redis 'private-endpoint.bicep' = if (!empty(redisId)) {
  name: 'private-endpoint-redis'
  params: {
    location: location
    tags: tags
    name: 'pe-redis-${token}'
    networkId: networkId
    subnetId: subnetId
    targetId: redisId
    groupId: 'redisEnterprise'
    zones: ['privatelink.redis.azure.net']
  }
}

// Telemetry goes in by a private link scope, since Application Insights and Log Analytics have no endpoints of their own.
resource monitorScope 'Microsoft.Insights/privateLinkScopes@2021-07-01-preview' = {
  name: 'ampls-${token}'
  location: 'global'
  tags: tags
  properties: {
    // Open for other networks' other resources; ours refuse the public network themselves.
    accessModeSettings: { ingestionAccessMode: 'Open', queryAccessMode: 'Open' }
  }
}

resource scopedWorkspace 'Microsoft.Insights/privateLinkScopes/scopedResources@2021-07-01-preview' = {
  parent: monitorScope
  name: 'workspace'
  properties: { linkedResourceId: workspaceId }
}

resource scopedApplicationInsights 'Microsoft.Insights/privateLinkScopes/scopedResources@2021-07-01-preview' = {
  parent: monitorScope
  name: 'application-insights'
  properties: { linkedResourceId: applicationInsightsId }
}

module monitor 'private-endpoint.bicep' = {
  name: 'private-endpoint-monitor'
  params: {
    location: location
    tags: tags
    name: 'pe-monitor-${token}'
    networkId: networkId
    subnetId: subnetId
    targetId: monitorScope.id
    groupId: 'azuremonitor'
    zones: [
      'privatelink.monitor.azure.com'
      'privatelink.oms.opinsights.azure.com'
      'privatelink.ods.opinsights.azure.com'
      'privatelink.agentsvc.azure-automation.net'
      blobZone
    ]
  }
  dependsOn: [scopedWorkspace, scopedApplicationInsights, models, capture]
}
