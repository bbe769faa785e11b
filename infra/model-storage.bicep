import { Tags } from 'types.bicep'

metadata description = 'The models. Apart from the host\'s storage, so that who may change models is its own question; versions and deleted blobs come back for 30 days.'

@description('Region.')
param location string
@description('Tags of every resource.')
param tags Tags
@description('Makes names unique.')
param token string
@description('Name of the container with the models.')
param container string
@description('Container with what the app keeps for itself.')
param monitorContainer string
@description('Container with batch jobs.')
param batchContainer string
@description('Container with who changed what of which deployment, and why.')
param auditContainer string
@description('For how many days nothing in it can be changed or deleted, but added to; 0: the container has no such policy.')
param auditDays int
@description('Redundancy.')
param sku string
@description('Whether the public network may reach it, with a token.')
param publicAccess bool

resource storage 'Microsoft.Storage/storageAccounts@2026-06-01' = {
  name: 'stmodel${token}'
  location: location
  tags: tags
  sku: { name: sku }
  kind: 'StorageV2'
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    networkAcls: { defaultAction: publicAccess ? 'Allow' : 'Deny', bypass: 'AzureServices' }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2026-06-01' = {
  parent: storage
  name: 'default'
  properties: {
    isVersioningEnabled: true
    deleteRetentionPolicy: { enabled: true, days: 30 }
    containerDeleteRetentionPolicy: { enabled: true, days: 30 }
  }
}

resource models 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-06-01' = {
  parent: blobs
  name: container
}

// What the app keeps for itself. Apart from the models, which it may not change.
resource monitor 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-06-01' = {
  parent: blobs
  name: monitorContainer
}

// Batch jobs: documents, records, reports, lists of rejects. Inputs and outputs may lie here, too; elsewhere the app needs a role of its own.
resource batch 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-06-01' = {
  parent: blobs
  name: batchContainer
}

// The trail of rollouts. Nothing that stands there can be changed or taken away, not by its owner either: only the end of an append blob grows.
resource audit 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-06-01' = {
  parent: blobs
  name: auditContainer
}

// Not locked: whoever owns the account can still take it off, and the group can be removed. `az storage container immutability-policy lock` makes it final.
resource auditIsAppendOnly 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2026-06-01' = if (auditDays > 0) {
  parent: audit
  name: 'default'
  properties: { immutabilityPeriodSinceCreationInDays: auditDays, allowProtectedAppendWrites: true }
}

// deployment.json is rewritten with every rollout; its old versions go after a year.
resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2026-06-01' = {
  parent: storage
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'old-versions'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: { blobTypes: ['blockBlob'] }
            actions: { version: { delete: { daysAfterCreationGreaterThan: 365 } } }
          }
        }
      ]
    }
  }
  dependsOn: [blobs]
}

@description('Resource id.')
output id string = storage.id
@description('Name.')
output name string = storage.name
@description('Blob endpoint.')
output blobEndpoint string = storage.properties.primaryEndpoints.blob
