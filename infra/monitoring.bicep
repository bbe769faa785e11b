import { Tags } from 'types.bicep'

metadata description = 'Log Analytics and Application Insights; both take Entra tokens only.'

@description('Region.')
param location string
@description('Tags of every resource.')
param tags Tags
@description('Makes names unique.')
param token string
@description('Days that it is kept.')
param retentionDays int
@description('Whether telemetry may come from the public network.')
param publicIngestion bool
@description('Whether queries may come from the public network.')
param publicQuery bool

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' = {
  name: 'log-${token}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionDays
    features: { disableLocalAuth: true, enableLogAccessUsingOnlyResourcePermissions: true }
    publicNetworkAccessForIngestion: publicIngestion ? 'Enabled' : 'Disabled'
    publicNetworkAccessForQuery: publicQuery ? 'Enabled' : 'Disabled'
  }
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${token}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    IngestionMode: 'LogAnalytics'
    DisableLocalAuth: true
    publicNetworkAccessForIngestion: publicIngestion ? 'Enabled' : 'Disabled'
    publicNetworkAccessForQuery: publicQuery ? 'Enabled' : 'Disabled'
  }
}

@description('Resource id of the workspace.')
output workspaceId string = workspace.id
@description('Name of the workspace.')
output workspaceName string = workspace.name
@description('Resource id of Application Insights.')
output applicationInsightsId string = applicationInsights.id
@description('Name of Application Insights.')
output applicationInsightsName string = applicationInsights.name
@description('Where telemetry goes; lets nobody in.')
output applicationInsightsConnectionString string = applicationInsights.properties.ConnectionString
