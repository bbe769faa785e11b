import { Tags, suffixOf } from 'types.bicep'

metadata description = 'Option: a private endpoint for everything that the app talks to.'

@description('Region.')
param location string
@description('Tags of every resource.')
param tags Tags
@description('Makes names unique.')
param token string
@description('Resource id of the network.')
param networkId string
@description('Resource id of the subnet for endpoints.')
param subnetId string
@description('Resource id of the Event Hubs namespace.')
param namespaceId string
@description('Resource id of the host\'s storage.')
param hostStorageId string
@description('Resource id of the model storage.')
param modelStorageId string

@description('Whether requests are captured.')
param capture bool

@description('Storage that Capture writes to; empty: none.')
param captureStorageId string

@description('Whether there is a shared cache.')
param redis bool

@description('The shared cache; empty: none.')
param redisId string
@description('Resource id of the Log Analytics workspace.')
param workspaceId string
@description('Resource id of Application Insights.')
param applicationInsightsId string

@description('Suffix of storage\'s host names.')
var suffix = environment().suffixes.storage
@description('DNS zone of blob endpoints.')
var blobZone = 'privatelink.blob.${suffix}'

module eventHubs 'private-endpoint.bicep' = {
  params: {
    location: location
    tags: tags
    name: 'pe-event-hubs-${token}'
    networkId: networkId
    subnetId: subnetId
    targetId: namespaceId
    groupId: 'namespace'
    zones: ['privatelink.${suffixOf(environment().name, 'serviceBus')}']
  }
}

module hostBlob 'private-endpoint.bicep' = {
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

module captureBlob 'private-endpoint.bicep' = if (capture) {
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

module cache 'private-endpoint.bicep' = if (redis) {
  params: {
    location: location
    tags: tags
    name: 'pe-redis-${token}'
    networkId: networkId
    subnetId: subnetId
    targetId: redisId
    groupId: 'redisEnterprise'
    zones: ['privatelink.${suffixOf(environment().name, 'redis')}']
  }
}

// Telemetry goes in by a private link scope, since Application Insights and Log Analytics have no endpoints of their own.
resource monitorScope 'Microsoft.Insights/privateLinkScopes@2021-09-01' = {
  name: 'ampls-${token}'
  location: 'global'
  tags: tags
  properties: {
    // Open for other networks' other resources; ours refuse the public network themselves.
    accessModeSettings: { ingestionAccessMode: 'Open', queryAccessMode: 'Open' }
  }
}

resource scopedWorkspace 'Microsoft.Insights/privateLinkScopes/scopedResources@2021-09-01' = {
  parent: monitorScope
  name: 'workspace'
  properties: { linkedResourceId: workspaceId }
}

resource scopedApplicationInsights 'Microsoft.Insights/privateLinkScopes/scopedResources@2021-09-01' = {
  parent: monitorScope
  name: 'application-insights'
  properties: { linkedResourceId: applicationInsightsId }
}

module monitor 'private-endpoint.bicep' = {
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
  dependsOn: [scopedWorkspace, scopedApplicationInsights, models, captureBlob]
}
