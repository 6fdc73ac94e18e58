"""How each contestant is configured. Every one gets what its own documentation recommends for speed:

edged        one worker; access log to a file
nginx        one worker; sendfile, open_file_cache, kept-alive upstream; buffered access log to a file
nginx-plain  proxied case only: a bare `proxy_pass`, as most configurations have it: a connection per request
haproxy      one thread; its cache for files (it serves none itself); connections to the origin reused; no log
haproxy-log  proxied and cached cases: the same with `option httplog` to a file, which is what the others do
varnish      its defaults, cached objects for files, pass for the proxied case; its log goes to shared memory
floor        floor.c: nothing but epoll, read and write; in the proxied case relay.c, which passes bytes on and looks for
             their ends: what of the other figures is the kernel's
edged-plain  `noop` case only: the same edged without the function

In the cases `hit`, `hit-large` and `hooks` the answers come from everybody's cache (nginx: proxy_cache), where the warm-up
has put them. In the case `hooks` each runs the same work in Lua: before the answer two request headers are read and two set, behind it
two response headers are set and one is removed. nginx does it as OpenResty does (LuaJIT, lua-resty-core), HAProxy in two
Lua actions. Varnish has no Lua.
"""

import os
import resource

from processes import Server, free_port

SERVER_CPU, LOAD_CPU = 0, 1
BODIES = {"small": 1024, "large": 100 * 1024, "proxy": 1024, "hit": 1024, "hit-large": 100 * 1024, "hooks": 1024, "noop": 1024}
CASES = {
    "small": "1 KiB file", "large": "100 KiB file", "proxy": "1 KiB proxied, uncached",
    "hit": "1 KiB from the cache", "hit-large": "100 KiB from the cache",
    "hooks": "1 KiB from the cache, two functions", "noop": "1 KiB file, a function that does nothing",
}
CACHED = {"hit", "hit-large", "hooks"}
# Variants of a contestant, and the cases in which each takes part.
VARIANTS = {"haproxy-log": {"proxy", "hit", "hit-large"}, "nginx-plain": {"proxy"}, "edged-plain": {"noop"}}
# What the load sends in `hooks` for the functions to read, to whomever.
REQUEST_FIELDS = {"hooks": {"User-Agent": "bench (Mobile)", "Accept-Language": "en"}}

EDGED_HOOKS = """
return {
  viewer_request = function(event)
    local headers = event.request.headers
    headers["x-device"] = headers["user-agent"]
    headers["x-language"] = headers["accept-language"]
  end,
  viewer_response = function(event)
    local headers = event.response.headers
    headers["strict-transport-security"] = "max-age=63072000"
    headers["x-frame-options"] = "DENY"
    headers["last-modified"] = nil
  end,
}
"""
EDGED_NOOP = "return { viewer_request = function(event) end }"
HAPROXY_HOOKS = """
core.register_action("request", { "http-req" }, function(txn)
  local headers = txn.http:req_get_headers()
  txn.http:req_set_header("x-device", headers["user-agent"][0])
  txn.http:req_set_header("x-language", headers["accept-language"][0])
end)
core.register_action("response", { "http-res" }, function(txn)
  txn.http:res_set_header("strict-transport-security", "max-age=63072000")
  txn.http:res_set_header("x-frame-options", "DENY")
  txn.http:res_del_header("last-modified")
end)
"""
NGINX_HOOKS = """
rewrite_by_lua_block {
  local var, set = ngx.var, ngx.req.set_header
  set("x-device", var.http_user_agent)
  set("x-language", var.http_accept_language)
}
header_filter_by_lua_block {
  local header = ngx.header
  header["strict-transport-security"] = "max-age=63072000"
  header["x-frame-options"] = "DENY"
  header["last-modified"] = nil
}
"""
NGINX_MODULES = "/usr/lib/nginx/modules"


class Workshop:
    """The temporary folder with the files to serve, the compiled floor, and every generated configuration."""

    def __init__(self, folder, edged):
        self.folder = folder
        self.edged = edged
        self.public = os.path.join(folder, "public")
        os.mkdir(self.public)
        for name in ("small", "large"):
            with open(os.path.join(self.public, f"{name}.txt"), "w") as file:
                file.write("x" * BODIES[name])

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def origin(self, case):
        """The origin shares the CPU of the load, so that it never counts as work of the contestant."""
        return self.floor(case, name="origin", cpu=LOAD_CPU)

    def floor(self, case, name="floor", cpu=SERVER_CPU):
        port = free_port()
        command = [self.path("floor"), "127.0.0.1", str(port), str(BODIES[case])]
        return Server(name, command, port, self.folder, cpu)

    def relay(self, origin_port):
        port = free_port()
        command = [self.path("relay"), "127.0.0.1", str(port), str(origin_port)]
        return Server("floor", command, port, self.folder, SERVER_CPU)

    def server(self, name, case, origin_port):
        """None where the contestant has no part in the case."""
        if name == "floor":
            if case == "noop":
                return None
            return self.relay(origin_port) if case == "proxy" else self.floor(case)
        base, _, variant = name.partition("-")
        if variant and case not in VARIANTS[name]:
            return None
        if case == "noop" and base != "edged" or case == "hooks" and base == "varnish":
            return None
        port = free_port()
        command = getattr(self, f"{base}_command")(case, port, origin_port, variant)
        return Server(name, command, port, self.folder, SERVER_CPU)

    def edged_command(self, case, port, origin_port, variant):
        is_fetched = case == "proxy" or case in CACHED
        origin = f'url = "http://127.0.0.1:{origin_port}"' if is_fetched else f'files = "{self.public}"'
        cache = "{}" if case in CACHED else '"off"'
        folder = self.path(f"edged-{port}-functions")
        os.mkdir(folder)
        self.write(f"{folder}/hooks.lua", EDGED_HOOKS)
        self.write(f"{folder}/noop.lua", EDGED_NOOP)
        attached = ""
        if case == "hooks":
            attached = ', functions = { viewer_request = { "hooks" }, viewer_response = { "hooks" } }'
        elif case == "noop" and not variant:
            attached = ', functions = { viewer_request = { "noop" } }'
        config = self.write(
            f"edged-{case}-{port}.lua",
            f"""return {{
  workers = 1,
  listen = {{ {{ address = "127.0.0.1:{port}" }} }},
  admin = {{ socket = "{self.path(f"edged-{port}.sock")}" }},
  log = {{ access = "{self.path(f"edged-{port}-access.log")}" }},
  limits = {{ connections_per_address = 50000 }},
  functions = {{ folder = "{folder}" }},
  origins = {{ site = {{ {origin} }} }},
  distributions = {{ all = {{ domains = {{ "*" }},
    behaviors = {{ {{ path = "*", origin = "site", cache = {cache}{attached} }} }} }} }},
}}
""",
        )
        return [self.edged, "run", "-c", config]

    def nginx_command(self, case, port, origin_port, variant):
        if variant == "plain":
            location = f"proxy_pass http://127.0.0.1:{origin_port};"
        elif case == "proxy" or case in CACHED:
            location = 'proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";'
            location += " proxy_cache files;" if case in CACHED else ""
        else:
            location = f"root {self.public};"
        modules = package_path = ""
        if case == "hooks":
            location += NGINX_HOOKS
            modules = "".join(f"load_module {NGINX_MODULES}/{name}_module.so;\n" for name in ("ndk_http", "ngx_http_lua"))
            package_path = 'lua_package_path "/usr/share/lua/5.1/?.lua;;";'
        home = self.path(f"nginx-{port}")
        os.mkdir(home)
        config = self.write(
            f"nginx-{port}.conf",
            f"""{modules}user root;
daemon off;
worker_processes 1;
worker_rlimit_nofile 65536;
pid {home}/pid;
error_log {home}/error.log;
events {{ worker_connections 32768; }}
http {{
  default_type text/plain;
  access_log {home}/access.log combined buffer=64k flush=1s;
  sendfile on; tcp_nopush on; tcp_nodelay on; {package_path}
  keepalive_timeout 600; keepalive_requests 10000;
  open_file_cache max=1000 inactive=60s; open_file_cache_valid 60s;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
  proxy_cache_path {home}/cache keys_zone=files:10m;
  upstream origin {{ server 127.0.0.1:{origin_port}; keepalive 64; keepalive_requests 1000000; }}
  server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ {location} }} }}
}}
""",
        )
        return ["/usr/sbin/nginx", "-c", config, "-p", home]

    def haproxy_command(self, case, port, origin_port, variant):
        cached = "http-request cache-use files\n  http-response cache-store files\n" if case != "proxy" else ""
        load = actions = ""
        if case == "hooks":
            load = f"lua-load {self.write('hooks.lua', HAPROXY_HOOKS)}"
            actions = "http-request lua.request\n  http-response lua.response"
        config = self.write(
            f"haproxy-{port}.cfg",
            f"""global
  nbthread 1
  {load}
  {"log stdout format raw local0" if variant == "log" else ""}
  maxconn {self.haproxy_connections()}
defaults
  mode http
  {"log global" if variant == "log" else ""}
  {"option httplog" if variant == "log" else ""}
  option http-keep-alive
  option forwardfor
  http-reuse always
  timeout client 600s
  timeout http-keep-alive 600s
  timeout server 60s
  timeout connect 5s
cache files
  total-max-size 64
  max-object-size 1000000
  max-age 3600
listen edge
  bind 127.0.0.1:{port} backlog 4096
  {actions}
  {cached}
  server origin 127.0.0.1:{origin_port}
""",
        )
        return ["/usr/sbin/haproxy", "-db", "-f", config]

    def haproxy_connections(self):
        """It reserves two descriptors for each connection and refuses to start without them."""
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return min(32768, (descriptors - 200) // 2)

    def varnish_command(self, case, port, origin_port, variant):
        receive = "sub vcl_recv { return (pass); }" if case == "proxy" else ""
        config = self.write(
            f"varnish-{port}.vcl",
            f"""vcl 4.1;
backend default {{ .host = "127.0.0.1"; .port = "{origin_port}"; }}
{receive}
""",
        )
        return [
            "/usr/sbin/varnishd", "-F", "-j", "none", "-n", self.path(f"varnish-{port}"),
            "-a", f"127.0.0.1:{port}", "-f", config, "-s", "malloc,64m", "-p", "timeout_idle=600",
        ]
