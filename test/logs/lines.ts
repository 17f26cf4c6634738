/** Lines of real proxies, as their users and the mesh of `test/mesh` have them; cut ones are completed as noted. */
export const LINES = {
  client:
    '[2020-11-25T21:26:18.409Z] "GET /status/418 HTTP/1.1" 418 - via_upstream - "-" 0 135 4 4 "-" "curl/7.73.0-DEV" "84961386-6d84-929d-98bd-c5aee93b5c88" "httpbin:8000" "10.44.1.27:80" outbound|8000||httpbin.foo.svc.cluster.local 10.44.1.23:37652 10.0.45.184:8000 10.44.1.23:46520 - default',
  server:
    '[2020-11-25T21:26:18.409Z] "GET /status/418 HTTP/1.1" 418 - via_upstream - "-" 0 135 3 1 "-" "curl/7.73.0-DEV" "84961386-6d84-929d-98bd-c5aee93b5c88" "httpbin:8000" "127.0.0.1:80" inbound|8000|| 127.0.0.1:41854 10.44.1.27:80 10.44.1.23:37652 outbound_.8000_._.httpbin.foo.svc.cluster.local default',
  // istio/istio#45802 has it without its time
  connectionTermination:
    '[2023-07-04T12:00:00.000Z] "GET /v1/status HTTP/1.1" 503 UC upstream_reset_before_response_started{connection_termination} - "-" 0 95 0 - "10.90.16.220" "Apache-HttpClient/4.5.1 (Java/1.8.0_372)" "3a7cbcc1-af72-47fb-bbac-a7672951f50f" "health.abc.com" "10.80.47.192:8181" outbound|80||health-api.production.svc.cluster.local 10.80.45.233:37132 10.80.45.233:80 10.80.46.220:59375 - -',
  tcp: '[2021-03-16T09:29:27.498Z] "- - -" 0 - - - "-" 6238 6291 84 - "-" "-" "-" "-" "100.77.28.132:1521" PassthroughCluster 10.244.0.31:50844 100.77.28.132:1521 10.244.0.31:50842 - -',
  tcpFailure:
    '[2021-03-16T09:30:47.919Z] "- - -" 0 UF,URX - - "-" 0 0 2285 - "-" "-" "-" "-" "127.0.0.1:12950" inbound|12950|| - 10.244.0.31:12950 10.244.0.1:11504 - -',
  tcpNoChain:
    '[2024-07-10T08:45:32.932Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 0 - "-" "-" "-" "-" "-" - - 10.10.123.120:27017 10.10.123.127:36422 - -',
  rbacSidecar:
    '[2026-10-09T08:33:04.948Z] "POST /post HTTP/1.1" 403 - rbac_access_denied_matched_policy[ns[starfleet]-policy[probe-read-only]-rule[0]] - "-" 0 19 0 - "-" "fortio.org/fortio-1.69.5" "8fed64e3-3ec9-4502-ac8d-01cad9e6aaed" "probe:8000" "-" inbound|8080|| - 10.244.0.6:8080 10.244.0.9:48470 outbound_.8000_._.probe.starfleet.svc.cluster.local default',
  rbacGateway:
    '[2026-10-09T11:28:18.623Z] "GET /api/v1/products HTTP/1.1" 403 - rbac_access_denied_matched_policy[ns[istio-ingress]-policy[api-office-only]-rule[0]] - "-" 0 19 0 - "10.1.2.3,10.244.0.6" "curl/8.7.1" "46a4520d-8200-47f4-bfe2-bd5d95827a32" "starfleet.example.com" "-" outbound|9080||bridge.starfleet.svc.cluster.local - 127.0.0.1:80 10.1.2.3:0 - -',
  noRoute:
    '[2026-10-09T22:25:26.047Z] "POST /notify HTTP/1.1" 404 NR route_not_found - "-" 0 0 0 - "-" "curl/8.22.0" "dfcc5add-1517-9864-b6b5-ddccd8150d28" "notification-service" "-" - - 10.96.92.93:80 10.244.0.9:57964 - -',
  noCluster: '[2026-10-08T21:55:26.890Z] "GET /productpage HTTP/1.1" 503 NC cluster_not_found - "-" 0 0 3 - "10.244',
  noHost:
    '[2026-10-08T20:06:53.230Z] "GET /details/0 HTTP/1.1" 503 UH no_healthy_upstream - "-" 0 19 0 - "-" "curl/8.11.1" "b4709687-2435-427d-8cfe-bc70757879ae" "cargo:9080" "-" outbound|9080||cargo.starfleet.svc.cluster.local - 10.96.157.127:9080 10.244.0.12:43192 - default',
  // its source has it from the code on
  emptyHeader:
    '[2026-10-08T20:06:53.230Z] "GET / HTTP/1.1" 503 UH no_healthy_upstream - "-" 0 19 0 - "" "beegoServer" "63377970-9d0f-4591-a4d4-039b4321863d" "forum.forum-services:80" "-" outbound|80||forum.forum-services.svc.cluster.local - 10.10.200.72:80 :0 - default',
  disconnect:
    '[2022-07-20T12:34:35.400Z] "GET /reviews/0 HTTP/1.1" 0 DC downstream_remote_disconnect - "-" 0 0 497 - "-" "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)" "a9f0f4d6-fd4d-9ecd-a4ec-fd03ff8b0774" "reviews:9080" "10.0.2.12:9080" inbound|9080|| 127.0.0.6:38479 10.0.2.12:9080 10.0.2.10:44922 outbound_.9080_.v2_.reviews.default.svc.cluster.local default',
  localRateLimit:
    '[2021-08-09T08:01:04.049Z] "GET /reviews/0 HTTP/1.1" 429 - local_rate_limited - "-" 0 18 0 - "-" "Mozilla/5.0 (X11; Linux x86_64)" "3f0a65c8-1c66-9994-a0cf-1d7ae0446371" "reviews:9080" "-" inbound|9080|| - 172.17.0.11:9080 172.17.0.16:41342 outbound_.9080_._.reviews.default.svc.cluster.local -',
  connectFailure:
    '[2026-08-17T04:59:08.906Z] "GET / HTTP/1.1" 503 UF upstream_reset_before_response_started{remote_connection_failure,delayed_connect_error:_111} - "delayed_connect_error:_111" 0 152 0 - "-" "GoogleHC/1.0" "b8b3448c-05f3-4f65-aed2-9e63c89cc662" "10.4.0.5" "10.4.0.5:8080" inbound|8080|| - 10.4.0.5:8080 35.191.227.195:48158 - default',
  ipv6: '[2024-05-29T02:46:11.488Z] "GET / HTTP/1.1" 503 UF upstream_reset_before_response_started{remote_connection_failure,delayed_connect_error:_111} - "delayed_connect_error:_111" 0 152 0 - "-" "curl/8.7.1" "b79e6275-8b8f-99a5-8dc2-d1875964f12e" "xr-light-class-management-server:8001" "[2406:da24:8:c202:7327::5]:8001" inbound|8001|| - [2406:da24:8:c202:7327::5]:8001 [2406:da24:8:c200:6d38::17]:35780 outbound_.8001_._.xr-light-class-management-server.xrl-dev.svc.cluster.local default',
  // its source has it from the code on
  protocolError:
    '[2023-01-09T10:00:00.000Z] "GET /hello HTTP/1.1" 502 UPE upstream_reset_before_response_started{protocol_error} - "-" 0 87 7 - "-" "curl/7.87.0-DEV" "3b7caa0b-9626-946d-b4ef-36c5ddf790bc" "helloworld:5000" "10.1.2.42:5000" inbound|5000|| 127.0.0.6:44336 10.1.2.42:5000 172.16.9.8:44408 - default',
  // its source has it from the code on, and its ids cut
  externalAuthorization:
    '[2022-07-11T20:49:30.000Z] "GET /get HTTP/2" 302 UAEX ext_authz_denied - "-" 0 0 636 - "10.48.0.1" "Mozilla/5.0" "ab2f16e7-0000-9000-8000-000000000000" "httpbin.glootest.com" "-" outbound|8000||in-mesh.httpbin.svc.cluster.local - 10.48.0.24:8443 10.48.0.1:50586 httpbin.glootest.com -',
  gateway:
    '[2022-07-11T20:49:37.000Z] "GET /get HTTP/2" 200 - via_upstream - "-" 0 2465 7 2 "10.48.0.1" "Mozilla/5.0" "e8aa64cd-0000-9000-8000-000000000000" "httpbin.glootest.com" "10.48.0.25:80" outbound|8000||in-mesh.httpbin.svc.cluster.local 10.48.0.24:37316 10.48.0.24:8443 10.48.0.1:50586 httpbin.glootest.com httpbin-httpbin',
  beforeDetails:
    '[2020-07-02T14:22:54.610Z] "POST /hipstershop.CurrencyService/GetSupportedCurrencies HTTP/2" 200 - "-" "-" 5 170 2 1 "-" "grpc-go/1.26.0" "13453d3f-6a36-4e3a-a434-e52e1de8cac0" "currencyservice.hipstershopv1v2:7000" "10.56.2.22:7000" outbound|7000||currencyservice.hipstershopv1v2.svc.cluster.local 10.56.2.23:34828 10.122.7.139:7000 10.56.2.23:47962 - default',
  expiredCertificate:
    '[2022-01-11T06:44:07.918Z] "GET /customer HTTP/1.1" 503 UF,URX upstream_reset_before_response_started{connection_failure,TLS_error:_268436501:SSL_routines:OPENSSL_internal:SSLV3_ALERT_CERTIFICATE_EXPIRED} - "TLS error: 268436501:SSL routines:OPENSSL_internal:SSLV3_ALERT_CERTIFICATE_EXPIRED" 0 201 77 - "192.168.64.90" "curl/7.77.0" "51c9ed69-6ad3-43a4-a183-58229a34d444" "192.168.64.90" "172.16.0.20:8080" outbound|8080|v1|customer.default.svc.cluster.local - 172.16.0.12:8080 192.168.64.90:19213 - -',
  overflow:
    '[2025-06-01T15:37:04.857Z] "GET /get HTTP/1.1" 503 UO upstream_reset_before_response_started{overflow} - "-" 0 81 0 - "-" "fortio.org/fortio-1.69.5" "d4e65b2b-3a80-9caa-a6ca-df79908d4d7e" "httpbin:8000" "-" outbound|8000||httpbin.default.svc.cluster.local - 10.96.243.7:8000 10.244.2.30:59002 - default',
  fault:
    '[2026-10-08T21:55:15.820Z] "GET /ratings/0 HTTP/1.1" 500 FI fault_filter_abort - "-" 0 18 0 - "-" "curl/8.11.1" "7d9df658-cb04-4a1c-a70c-88856feec6f4" "navcom:9080" "-" outbound|9080|v1|navcom.starfleet.svc.cluster.local - 10.96.92.206:9080 10.244.0.14:37180 - -',
  waypointText:
    '[2025-03-20T15:37:22.311Z] "GET / HTTP/1.1" 503 - via_upstream - "-" 0 208 1 1 "-" "curl/8.7.1" "a11fbfe7-4014-4f7f-98f9-c939aa6cbd83" "barista.caffeine:8000" "envoy://connect_originate/10.244.2.63:8080" inbound-vip|8000|http|barista.caffeine.svc.cluster.local; envoy://internal_client_address/ 10.0.81.76:8000 10.244.2.106:53454 - default',

  oldJson:
    '{"bytes_sent":"0","upstream_cluster":"outbound|7600||keycloak-headless.our_ns.svc.cluster.local","downstream_remote_address":"10.20.1.9:45621","authority":"-","path":"-","protocol":"-","duration":"10002","response_code":"0","response_flags":"UF,URX","method":"-","istio_policy_status":"-"}',
  oldJsonRetries:
    '{"upstream_local_address":"-","duration":"94","downstream_local_address":"10.24.11.20:443","route_name":"-","response_code":"503","user_agent":"GoogleStackdriverMonitoring-UptimeChecks(https://cloud.google.com/monitoring)","response_flags":"URX","start_time":"2020-01-21T14:53:45.548Z","method":"GET","request_id":"a3f7c112-0000-9000-8000-000000000000","upstream_host":"10.24.11.30:5005","requested_server_name":"api.agilicus.com","bytes_received":"0","istio_policy_status":"-","bytes_sent":"0","upstream_cluster":"outbound|5005||v1-tokens.api.svc.cluster.local","protocol":"HTTP/2","upstream_service_time":"-"}',
  oldJsonPolicy:
    '{"response_flags":"UAEX","istio_policy_status":"\\"UNAVAILABLE:no healthy upstream\\"","response_code":"403"}',
  waypointJson:
    '{"bytes_sent":19,"method":"POST","bytes_received":0,"route_name":"default","response_code_details":"rbac_access_denied_matched_policy[ns[handson]-policy[layer7-authz]-rule[0]]","upstream_local_address":null,"authority":"handson:8080","protocol":"HTTP/1.1","upstream_cluster":"inbound-vip|8080|http|handson.handson.svc.cluster.local","upstream_transport_failure_reason":null,"duration":0,"path":"/","response_flags":"-","connection_termination_details":null,"downstream_local_address":"10.96.172.67:8080","user_agent":"curl/8.7.1"}',

  ztunnelDenied:
    '2026-10-09T11:55:01.094336Z\terror\taccess\tconnection complete\tsrc.addr=10.244.0.14:46992 src.workload="shuttle-7b5db664c-v7b6x" src.namespace="starfleet" src.identity="spiffe://cluster.local/ns/starfleet/sa/shuttle" dst.addr=10.244.0.9:15008 dst.hbone_addr=10.244.0.9:9080 dst.service="navcom.starfleet.svc.cluster.local" dst.workload="navcom-v1-7467bbc689-bj5jz" dst.namespace="starfleet" dst.identity="spiffe://cluster.local/ns/starfleet/sa/starfleet-navcom" direction="inbound" bytes_sent=0 bytes_recv=0 duration="0ms" error="connection closed due to policy rejection: allow policies exist, but none allowed"',
  ztunnelWithoutTime:
    'error access connection complete src.addr=10.244.1.6:42020 src.workload="reviews-v1-7d99fd7978-xn9xb" src.namespace="default" src.identity="spiffe://cluster.local/ns/default/sa/bookinfo-reviews" dst.addr=10.244.1.9:15008 dst.hbone_addr=10.244.1.9:9080 dst.service="productpage.default.svc.cluster.local" dst.workload="productpage-v1" direction="inbound" bytes_sent=0 bytes_recv=0 duration="0ms" error="connection closed due to policy rejection: allow policies exist, but none allowed"',
  ztunnelOutbound:
    '2026-10-10T01:00:04.396865Z\tinfo\taccess\tconnection complete\tsrc.addr=10.244.0.9:55462 src.workload="tester-577d497fbd-c4gtz" src.namespace="ambient-demo" src.identity="spiffe://cluster.local/ns/ambient-demo/sa/default" dst.addr=10.244.0.8:15008 dst.hbone_addr=10.244.0.8:80 dst.service="notification-service.ambient-demo.svc.cluster.local" dst.workload="notification-service-76f869bb97-vsdh7" dst.namespace="ambient-demo" dst.identity="spiffe://cluster.local/ns/ambient-demo/sa/default" direction="outbound" bytes_sent=84 bytes_recv=853 duration="1ms"',
  ztunnelRequest:
    '[pod/ztunnel-qfrmt/istio-proxy] 2026-02-27T17:16:04.946312Z     info    http access     request complete     src.addr=10.129.0.27:40900 src.workload="ingress-istio-68bd49d649-rrbt5" src.namespace="istio-system" src.identity="spiffe://cluster1.local/ns/istio-system/sa/ingress-istio" dst.addr=10.129.0.21:15008 dst.hbone_addr=productpage.bookinfo-frontends.svc.cluster.local:9080 dst.service="productpage.bookinfo-frontends.svc.cluster.local" dst.workload="productpage-v1-59c74584cf-95tqx" dst.namespace="bookinfo-frontends" dst.identity="spiffe://cluster1.local/ns/bookinfo-frontends/sa/bookinfo-productpage" direction="inbound" method=GET path="/productpage" protocol=HTTP1 response_code=200 duration="35ms"',

  meshGateway:
    '[2026-11-24T03:43:31.211Z] "GET /shop?to=backend&path=%2Fwork%3Fms%3D13%26bytes%3D2048&ms=13&bytes=2048&send=256 HTTP/1.1" 200 - via_upstream - "-" 0 2 48 47 "192.0.2.2" "istio-ingressgateway/1.0" "c3cde386-f87c-98d0-82bb-10c5b3be2b83" "shop.example.com" "127.0.0.1:15106" outbound|8080||frontend.default.svc.cluster.local 127.0.0.1:58810 127.0.0.1:15001 127.0.0.1:41722 - default',
  meshFrontend:
    '[2026-11-24T03:43:31.213Z] "GET /shop?to=backend&path=%2Fwork%3Fms%3D13%26bytes%3D2048&ms=13&bytes=2048&send=256 HTTP/1.1" 200 - via_upstream - "-" 0 2 45 45 "192.0.2.2" "istio-ingressgateway/1.0" "c3cde386-f87c-98d0-82bb-10c5b3be2b83" "shop.example.com" "127.0.0.1:15108" inbound|8080|| 127.0.0.6:32878 127.0.0.1:15106 192.0.2.2:0 outbound_.8080_._.frontend.default.svc.cluster.local default',
  meshDenied:
    '[2026-11-24T03:43:33.185Z] "GET /admin HTTP/1.1" 403 - rbac_access_denied_matched_policy[ns[default]-policy[backend-deny-admin]-rule[0]] - "-" 0 19 0 - "-" "frontend/1.0" "1e2a5737-4674-97ce-85a2-6849ea448b42" "backend:9090" "-" inbound|9090|| - 127.0.0.1:15206 127.0.0.1:59504 outbound_.9090_.v1_.backend.default.svc.cluster.local default',
  meshLimited:
    '[2026-11-24T03:43:33.198Z] "GET /limited?ms=13 HTTP/1.1" 429 RL local_rate_limited - "-" 0 18 0 - "-" "frontend/1.0" "dfc761fe-ef4d-974a-bbc8-ba63bc994d88" "backend:9090" "-" inbound|9090|| - 127.0.0.1:15206 127.0.0.1:59556 outbound_.9090_.v1_.backend.default.svc.cluster.local default',
  meshGhost:
    '[2026-11-24T03:43:32.453Z] "GET /work HTTP/1.1" 503 UF upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused} - "delayed_connect_error:_Connection_refused" 0 98 0 - "-" "frontend/1.0" "3212abf8-0d67-9694-88b3-a8a8370715fe" "ghost:9090" "127.0.0.1:15499" outbound|9090||ghost.default.svc.cluster.local - 127.0.0.1:15101 127.0.0.1:54038 - default',
  meshFlaky:
    '[2026-11-24T03:43:32.460Z] "GET /flaky?ms=13&failures=3 HTTP/1.1" 503 URX via_upstream - "-" 0 2 71 71 "-" "frontend/1.0" "7741d6dd-e42e-9efd-ba46-59e123ecb0d1" "backend:9090" "127.0.0.1:15216" outbound|9090||backend.default.svc.cluster.local 127.0.0.1:58994 127.0.0.1:15101 127.0.0.1:53984 - flaky',
  meshTcp:
    '[2026-11-24T03:43:31.355Z] "- - -" 0 - - - "-" 839 1045 4 - "-" "-" "-" "-" "127.0.0.1:15248" inbound|7070|| 127.0.0.6:46266 127.0.0.1:15246 127.0.0.1:37500 outbound_.7070_._.ledger.default.svc.cluster.local -',
  meshPlaintext:
    '[2026-11-24T03:43:33.220Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 0 - "-" "-" "-" "-" "-" - - 127.0.0.1:15206 127.0.0.1:59576 - -',
  meshGrpc:
    '{"authority":"recommender:9555","bytes_received":15,"bytes_sent":905,"connection_termination_details":null,"downstream_local_address":"127.0.0.1:15236","downstream_remote_address":"127.0.0.1:34782","duration":17,"method":"POST","path":"/shop.Recommender/Recommend","protocol":"HTTP/2","request_id":"03ec2c9f-f8a9-9589-a3fe-29ea3f543821","requested_server_name":"outbound_.9555_._.recommender.default.svc.cluster.local","response_code":200,"response_code_details":"via_upstream","response_flags":"-","route_name":"default","start_time":"2026-11-24T03:43:31.306Z","upstream_cluster":"inbound|9555||","upstream_host":"127.0.0.1:15238","upstream_local_address":"127.0.0.6:51860","upstream_service_time":"15","upstream_transport_failure_reason":null,"user_agent":"frontend/1.0 grpc","x_forwarded_for":null}',
  meshStranger:
    '{"authority":"backend:9090","bytes_received":0,"bytes_sent":19,"connection_termination_details":null,"downstream_local_address":"127.0.0.1:15261","downstream_remote_address":"127.0.0.1:55648","duration":9,"method":"GET","path":"/work","protocol":"HTTP/1.1","request_id":"ef1d6c74-c1c3-9350-bd98-3c0ed1aef024","requested_server_name":null,"response_code":403,"response_code_details":"via_upstream","response_flags":"-","route_name":"default","start_time":"2026-11-24T03:43:33.165Z","upstream_cluster":"outbound|9090|v1|backend.default.svc.cluster.local","upstream_host":"127.0.0.1:15206","upstream_local_address":"127.0.0.1:59442","upstream_service_time":"8","upstream_transport_failure_reason":null,"user_agent":"stranger/1.0","x_forwarded_for":null}',
  meshAborted:
    '{"authority":"backend:9090","bytes_received":0,"bytes_sent":0,"connection_termination_details":null,"downstream_local_address":"127.0.0.1:15216","downstream_remote_address":"127.0.0.1:58766","duration":179,"method":"GET","path":"/work?ms=3000","protocol":"HTTP/1.1","request_id":"00edc2ca-0016-953f-a011-4dc28974f582","requested_server_name":"outbound_.9090_._.backend.default.svc.cluster.local","response_code":0,"response_code_details":"downstream_remote_disconnect","response_flags":"DC","route_name":"default","start_time":"2026-11-24T03:43:31.558Z","upstream_cluster":"inbound|9090||","upstream_host":"127.0.0.1:15218","upstream_local_address":"127.0.0.6:38762","upstream_service_time":null,"upstream_transport_failure_reason":null,"user_agent":"frontend/1.0","x_forwarded_for":null}',
} as const;
