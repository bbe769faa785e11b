// The manifests as the API server takes them: decoded strictly by the types of Kubernetes, KEDA and the Prometheus operator (an unknown or misspelt
// field is an error, which kubectl only warns of), and the pods admitted by the `restricted` profile.
//
// Arguments: manifest files. Exit code 0: all well.
package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/pod-security-admission/api"
	security "k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

var types = map[string]func() any{
	"v1 Namespace":                              func() any { return &core.Namespace{} },
	"v1 ConfigMap":                              func() any { return &core.ConfigMap{} },
	"v1 Service":                                func() any { return &core.Service{} },
	"v1 ServiceAccount":                         func() any { return &core.ServiceAccount{} },
	"apps/v1 Deployment":                        func() any { return &apps.Deployment{} },
	"policy/v1 PodDisruptionBudget":             func() any { return &policy.PodDisruptionBudget{} },
	"networking.k8s.io/v1 NetworkPolicy":        func() any { return &networking.NetworkPolicy{} },
	"keda.sh/v1alpha1 ScaledObject":             func() any { return &keda.ScaledObject{} },
	"keda.sh/v1alpha1 TriggerAuthentication":    func() any { return &keda.TriggerAuthentication{} },
	"monitoring.coreos.com/v1 ServiceMonitor":   func() any { return &monitoring.ServiceMonitor{} },
	"monitoring.coreos.com/v1 PrometheusRule":   func() any { return &monitoring.PrometheusRule{} },
	"azmonitoring.coreos.com/v1 ServiceMonitor": func() any { return &monitoring.ServiceMonitor{} },
}

var variable = regexp.MustCompile(`\$\{\w+\}`)

func main() {
	decoded, admitted, failed := 0, 0, false
	wrong := func(file string, format string, args ...any) {
		failed = true
		fmt.Printf("%s: %s\n", file, fmt.Sprintf(format, args...))
	}
	for _, file := range os.Args[1:] {
		content, err := os.ReadFile(file)
		if err != nil {
			wrong(file, "%v", err)
			continue
		}
		text := variable.ReplaceAllString(string(content), "https://value.example")
		for _, document := range strings.Split("\n"+text, "\n---\n") {
			if strings.TrimSpace(document) == "" {
				continue
			}
			var head struct{ APIVersion, Kind string }
			if err := yaml.Unmarshal([]byte(document), &head); err != nil {
				wrong(file, "%v", err)
				continue
			}
			make, known := types[head.APIVersion+" "+head.Kind]
			if !known {
				wrong(file, "no type for %s %s", head.APIVersion, head.Kind)
				continue
			}
			object := make()
			if err := decode([]byte(document), object); err != nil {
				wrong(file, "%s: %v", head.Kind, err)
				continue
			}
			decoded++
			if deployment, is := object.(*apps.Deployment); is {
				if complaint := complaint(&deployment.Spec.Template); complaint != "" {
					wrong(file, "restricted: %s", complaint)
				} else {
					admitted++
				}
			}
		}
	}
	fmt.Printf("%d objects decoded strictly, %d admitted by the restricted profile\n", decoded, admitted)
	if failed || decoded == 0 || admitted == 0 {
		os.Exit(1)
	}
}

// As the API server does with fieldValidation=Strict: case counts, nothing unknown, nothing twice.
func decode(document []byte, object any) error {
	text, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return err
	}
	unknown, err := json.UnmarshalStrict(text, object)
	return errors.Join(append(unknown, err)...)
}

func complaint(pod *core.PodTemplateSpec) string {
	evaluator, err := security.NewEvaluator(security.DefaultChecks(), nil)
	if err != nil {
		return err.Error()
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	result := security.AggregateCheckResults(evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec))
	if result.Allowed {
		return ""
	}
	return result.ForbiddenDetail()
}
