// Every option at once; every-option.snapshot.json is every resource of it, worked out by the compiler.
using '../../infra/main.bicep'

param environmentName = 'every-option'
param location = 'westeurope'
param principalId = '11111111-1111-1111-1111-111111111111'
param principalType = 'ServicePrincipal'
param partitionCount = 32
param retentionHours = 24
param throughputUnits = 2
param maximumThroughputUnits = 20
param capture = true
param captureRetentionDays = 7
param instanceMemoryMB = 4096
param maximumInstanceCount = 64
param alwaysReadyInstances = 2
param defaultModel = 'churn'
param schemaRegistryId = '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-schemas/providers/Microsoft.EventHub/namespaces/evhns-schemas'
param appSettings = { MODEL_MEMORY_MB: '2048', DEFAULT_MODEL: 'diabetes' }
param storageSku = 'Standard_ZRS'
param auditDays = 2555
param alertEmail = 'operators@example.com'
param latencyAlertMs = 250
param lagAlertEvents = 5000
param deadLetterAlertPerMinute = 30
param logRetentionDays = 90
param redis = true
param privateNetworking = true
param networkAddressPrefix = '10.50.0.0/20'
param grafana = true
param aksOidcIssuerUrl = 'https://westeurope.oic.prod-aks.azure.com/tenant/cluster/'
param kedaNamespace = 'keda'
