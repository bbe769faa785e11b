import { Tags } from 'types.bicep'

metadata description = 'Option: Azure Managed Grafana. The hook after provisioning puts infra/dashboards/grafana-azure.json into it.'

@description('Region.')
param location string
@description('Tags of every resource.')
param tags Tags
@description('Makes names unique.')
param token string
@description('Object id of who deploys; empty: no roles for people.')
param principalId string
@description('What that principal is.')
param principalType string
@description('Whether the public network may reach it, with a token.')
param publicAccess bool
@description('Name of Application Insights.')
param applicationInsightsName string

@description('Type of the built-in roles.')
var definitions = 'Microsoft.Authorization/roleDefinitions'
@description('Monitoring Reader.')
var monitoringReader = subscriptionResourceId(definitions, '43d0d8ad-25c7-4714-9337-8ba259a9fe05')
@description('Grafana Admin.')
var grafanaAdmin = subscriptionResourceId(definitions, '22926164-76b3-42b3-bc55-97df8dab3e41')

resource grafana 'Microsoft.Dashboard/grafana@2025-08-01' = {
  name: 'amg-${token}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  identity: { type: 'SystemAssigned' }
  properties: {
    apiKey: 'Disabled'
    zoneRedundancy: 'Disabled'
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
  }
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource grafanaReads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(applicationInsights.id, grafana.id, monitoringReader)
  scope: applicationInsights
  properties: {
    roleDefinitionId: monitoringReader
    principalId: grafana.identity.principalId
    principalType: 'ServicePrincipal'
    description: 'Grafana\'s Azure Monitor data source reads the app\'s metrics.'
  }
}

resource personRunsGrafana 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(principalId)) {
  name: guid(grafana.id, principalId, grafanaAdmin)
  scope: grafana
  properties: {
    roleDefinitionId: grafanaAdmin
    principalId: principalId
    principalType: principalType
    description: 'The hook after provisioning uploads the dashboard.'
  }
}

@description('Resource id.')
output id string = grafana.id
@description('Address.')
output endpoint string = grafana.properties.endpoint
