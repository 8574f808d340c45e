// Grok patterns for the session log of Juniper SRX firewalls: RT_FLOW1 a closed session, RT_FLOW2 an opened one,
// RT_FLOW3 a denied one, in the unstructured form Junos writes to syslog.

export const common = String.raw`
RT_FLOW_EVENT RT_FLOW_SESSION_(?:CREATE|CLOSE|DENY)
`

export const legacy = String.raw`
RT_FLOW1 %{RT_FLOW_EVENT:event}: %{GREEDYDATA:close-reason}: %{IP:src-ip}/%{INT:src-port}->%{IP:dst-ip}/%{INT:dst-port} %{DATA:service} %{IP:nat-src-ip}/%{INT:nat-src-port}->%{IP:nat-dst-ip}/%{INT:nat-dst-port} %{DATA:src-nat-rule-name} %{DATA:dst-nat-rule-name} %{INT:protocol-id} %{DATA:policy-name} %{DATA:from-zone} %{DATA:to-zone} %{INT:session-id} [0-9]+\(%{DATA:sent}\) [0-9]+\(%{DATA:received}\) %{INT:elapsed-time}
RT_FLOW2 %{RT_FLOW_EVENT:event}: session created %{IP:src-ip}/%{INT:src-port}->%{IP:dst-ip}/%{INT:dst-port} %{DATA:service} %{IP:nat-src-ip}/%{INT:nat-src-port}->%{IP:nat-dst-ip}/%{INT:nat-dst-port} %{DATA:src-nat-rule-name} %{DATA:dst-nat-rule-name} %{INT:protocol-id} %{DATA:policy-name} %{DATA:from-zone} %{DATA:to-zone} %{INT:session-id}
RT_FLOW3 %{RT_FLOW_EVENT:event}: session denied %{IP:src-ip}/%{INT:src-port}->%{IP:dst-ip}/%{INT:dst-port} %{DATA:service} %{INT:protocol-id}\([0-9]+\) %{DATA:policy-name} %{DATA:from-zone} %{DATA:to-zone}(?: |$)
`

// A session no rule translated has `None` (`N/A` in newer releases) for the rule's name: no name, so no field.
export const ecs = String.raw`
RT_FLOW_TAG RT_FLOW_SESSION_(?:CREATE|CLOSE|DENY)
RT_FLOW1 %{RT_FLOW_TAG:[juniper][srx][tag]}: %{GREEDYDATA:[juniper][srx][reason]}: %{IP:[source][ip]}/%{INT:[source][port]:int}->%{IP:[destination][ip]}/%{INT:[destination][port]:int} %{DATA:[juniper][srx][service_name]} %{IP:[source][nat][ip]}/%{INT:[source][nat][port]:int}->%{IP:[destination][nat][ip]}/%{INT:[destination][nat][port]:int} (?:None|N/A|%{DATA:[juniper][srx][src_nat_rule_name]}) (?:None|N/A|%{DATA:[juniper][srx][dst_nat_rule_name]}) %{INT:[network][iana_number]} %{DATA:[rule][name]} %{DATA:[observer][ingress][zone]} %{DATA:[observer][egress][zone]} %{INT:[juniper][srx][session_id]} [0-9]+\(%{INT:[source][bytes]:int}\) [0-9]+\(%{INT:[destination][bytes]:int}\) %{INT:[juniper][srx][elapsed_time]:int}
RT_FLOW2 %{RT_FLOW_TAG:[juniper][srx][tag]}: session created %{IP:[source][ip]}/%{INT:[source][port]:int}->%{IP:[destination][ip]}/%{INT:[destination][port]:int} %{DATA:[juniper][srx][service_name]} %{IP:[source][nat][ip]}/%{INT:[source][nat][port]:int}->%{IP:[destination][nat][ip]}/%{INT:[destination][nat][port]:int} (?:None|N/A|%{DATA:[juniper][srx][src_nat_rule_name]}) (?:None|N/A|%{DATA:[juniper][srx][dst_nat_rule_name]}) %{INT:[network][iana_number]} %{DATA:[rule][name]} %{DATA:[observer][ingress][zone]} %{DATA:[observer][egress][zone]} %{INT:[juniper][srx][session_id]}
RT_FLOW3 %{RT_FLOW_TAG:[juniper][srx][tag]}: session denied %{IP:[source][ip]}/%{INT:[source][port]:int}->%{IP:[destination][ip]}/%{INT:[destination][port]:int} %{DATA:[juniper][srx][service_name]} %{INT:[network][iana_number]}\([0-9]+\) %{DATA:[rule][name]} %{DATA:[observer][ingress][zone]} %{DATA:[observer][egress][zone]}(?: |$)
`
