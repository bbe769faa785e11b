metadata description = 'Shapes that several files share, and names that differ by cloud.'

@export()
@description('Tags of a resource.')
type Tags = {
  @description('Any name.')
  *: string
}

@export()
@description('Names of the hubs by purpose.')
type Hubs = {
  @description('Requests come in by it.')
  requests: string
  @description('Results go out by it.')
  results: string
  @description('Requests that cannot be scored go out by it.')
  deadLetters: string
  @description('Ground truth comes in by it.')
  labels: string
}

@export()
@description('Settings of the app by name.')
type Settings = {
  @description('Any name of docs/settings.md or of the Functions host.')
  *: string
}

@description('What environment() does not know, by cloud.')
var clouds = {
  AzureCloud: { serviceBus: 'servicebus.windows.net', sites: 'azurewebsites.net', redis: 'redis.azure.net' }
  AzureUSGovernment: { serviceBus: 'servicebus.usgovcloudapi.net', sites: 'azurewebsites.us', redis: 'redis.azure.us' }
  AzureChinaCloud: { serviceBus: 'servicebus.chinacloudapi.cn', sites: 'chinacloudsites.cn', redis: 'redis.azure.cn' }
}

@export()
@description('Suffix of host names, by the cloud\'s name and by service.')
func suffixOf(cloud string, service 'serviceBus' | 'sites' | 'redis') string => clouds[cloud][service]
