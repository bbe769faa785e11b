import { Tags, Hubs, suffixOf } from 'types.bicep'

metadata description = 'The namespace, its hubs and their consumer groups. Names are lower case: checkpoints are, and KEDA compares them as they stand.'

@description('Region.')
param location string
@description('Tags of every resource.')
param tags Tags
@description('Makes names unique.')
param token string

@description('Names of the hubs by purpose: requests, results, deadLetters, labels.')
param hubs Hubs

@description('Group that the app reads requests by.')
param consumerGroup string

@description('Partitions of the requests, results and dead-letter hubs.')
param partitionCount int
@description('Hours that events stay in every hub.')
param retentionHours int
@description('Throughput units to start with.')
param throughputUnits int
@description('Where auto-inflate ends.')
param maximumThroughputUnits int
@description('Whether the public network may reach it, with a token.')
param publicAccess bool

@description('Storage account for Capture; empty: no Capture.')
param captureStorageId string
@description('Container that Capture writes to.')
param captureContainer string
@description('Resource id of the identity that Capture writes as.')
param captureIdentityId string

@description('Whether requests are captured.')
var capture = !empty(captureStorageId)
@description('How long every hub keeps events.')
var retention = { cleanupPolicy: 'Delete', retentionTimeInHours: retentionHours }

resource namespace 'Microsoft.EventHub/namespaces@2026-01-01' = {
  name: 'evhns-${token}'
  location: location
  tags: tags
  sku: { name: 'Standard', tier: 'Standard', capacity: throughputUnits }
  identity: capture
    ? { type: 'UserAssigned', userAssignedIdentities: { '${captureIdentityId}': {} } }
    : null
  properties: {
    isAutoInflateEnabled: true
    maximumThroughputUnits: max(throughputUnits, maximumThroughputUnits)
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
  }
}

resource requests 'Microsoft.EventHub/namespaces/eventhubs@2026-01-01' = {
  parent: namespace
  name: hubs.requests
  properties: {
    partitionCount: partitionCount
    retentionDescription: retention
    captureDescription: capture
      ? {
          enabled: true
          encoding: 'Avro'
          intervalInSeconds: 300
          sizeLimitInBytes: 314572800
          skipEmptyArchives: true
          destination: {
            name: 'EventHubArchive.AzureBlockBlob'
            identity: { type: 'UserAssigned', userAssignedIdentity: captureIdentityId }
            properties: {
              storageAccountResourceId: captureStorageId
              blobContainer: captureContainer
              archiveNameFormat: '{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}'
            }
          }
        }
      : null
  }
}

resource requestsApp 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2026-01-01' = {
  parent: requests
  name: consumerGroup
}

// For `npm run host` on somebody's machine: it leaves the deployed app its partitions.
resource requestsLocal 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2026-01-01' = {
  parent: requests
  name: 'local'
}

resource requestsMonitor 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2026-01-01' = {
  parent: requests
  name: 'monitor'
}

resource requestsShadow 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2026-01-01' = {
  parent: requests
  name: 'shadow'
}

resource results 'Microsoft.EventHub/namespaces/eventhubs@2026-01-01' = {
  parent: namespace
  name: hubs.results
  properties: { partitionCount: partitionCount, retentionDescription: retention }
}

resource resultsMonitor 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2026-01-01' = {
  parent: results
  name: 'monitor'
}

resource deadLetters 'Microsoft.EventHub/namespaces/eventhubs@2026-01-01' = {
  parent: namespace
  name: hubs.deadLetters
  properties: { partitionCount: partitionCount, retentionDescription: retention }
}

resource deadLettersMonitor 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2026-01-01' = {
  parent: deadLetters
  name: 'monitor'
}

resource deadLettersReplay 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2026-01-01' = {
  parent: deadLetters
  name: 'replay'
}

resource labels 'Microsoft.EventHub/namespaces/eventhubs@2026-01-01' = {
  parent: namespace
  name: hubs.labels
  properties: { partitionCount: 2, retentionDescription: retention }
}

resource labelsMonitor 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2026-01-01' = {
  parent: labels
  name: 'monitor'
}

@description('Resource id.')
output namespaceId string = namespace.id
@description('Name.')
output namespaceName string = namespace.name
@description('Host name.')
output host string = '${namespace.name}.${suffixOf(environment().name, 'serviceBus')}'
