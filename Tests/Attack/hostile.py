"""Functions that mean harm: what each does, and how the edge has to answer for it.

`code` is the body of a viewer_request handler, `above` what stands before it in the file. The end-to-end tests ask each
of them for its status and words, the attack measures how long it runs and what its neighbours notice.
"""

THROTTLED = (503, "FunctionThrottledError")
RAISED = (503, "FunctionExecutionError")
INVALID = (502, "FunctionValidationError")
DONE = (200, "FunctionGeneratedResponse")
# Which of two limits is met first depends on the machine.
EITHER = ((502, 503), None)


class Hostile:
    def __init__(self, name, code, answer=THROTTLED, above="", stage="viewer_request", said=None, waits=False, stays=False):
        self.name, self.code, self.answer, self.above, self.stage = name, code, answer, above, stage
        # Words of the error that the log has.
        self.said = said
        # It is its wall time that ends it.
        self.waits = waits
        # What it takes belongs to its file and is kept: memory of the machine that all functions share.
        self.stays = stays

    def is_answered_by(self, status, cache):
        statuses, word = self.answer
        is_status = status in statuses if isinstance(statuses, tuple) else status == statuses
        return is_status and word in (None, (cache or "").removesuffix(" from edge"))

    @property
    def source(self):
        return f"{self.above}\nreturn {{ {self.stage} = function(event)\n{self.code}\nend }}\n"


HUGE = 'local huge = ("x"):rep(1 << 20)'
TWINS = 'local one, two = ("x"):rep(1 << 20) .. "a", ("x"):rep(1 << 20) .. "b"'
HOLES = """
local holes = {}
for at = 1, 1 << 18 do holes[at] = true end
for at = 1, 1 << 18 do holes[at] = nil end
"""
LIST = "local list = {} for at = 1, 30000 do list[at] = at end"
CATASTROPHE = 'local text = ("a"):rep(50000)'

HOSTILE = [
    # Loops, and what might outlive the end of one
    Hostile("loop", "while true do end"),
    Hostile("loop of goto", "::again:: goto again"),
    Hostile("pcall loop", "while true do pcall(function() while true do end end) end"),
    Hostile("xpcall loop", "while true do xpcall(function() while true do end end, function() while true do end end) end"),
    Hostile("error in error", "local function fail() error(fail) end while true do xpcall(fail, fail) end"),
    Hostile("coroutines in coroutines", """
        local function nest() pcall(coroutine.wrap(nest)) while true do end end
        nest()"""),
    Hostile("coroutine storm", "while true do coroutine.create(function() end) end"),
    Hostile("coroutine hoard", "local kept = {} while true do kept[#kept + 1] = coroutine.create(function() end) end"),
    Hostile("coroutine switches", """
        local switch = coroutine.wrap(function() while true do coroutine.yield() end end)
        while true do switch() end"""),
    Hostile("close", """
        local function trap() return setmetatable({}, { __close = function() while true do end end }) end
        local first <close> = trap()
        local second <close> = trap()
        while true do end"""),
    Hostile("close in a coroutine", """
        while true do
          local inner = coroutine.create(function()
            local trap <close> = setmetatable({}, { __close = function() while true do end end })
            coroutine.yield()
          end)
          coroutine.resume(inner)
          pcall(coroutine.close, inner)
        end"""),
    Hostile("close that opens", """
        local open
        function open()
          local trap <close> = setmetatable({}, { __close = function() pcall(open) open() end })
          error("on")
        end
        while true do pcall(open) end"""),
    Hostile("finalizer", "setmetatable({}, { __gc = function() while true do end end })", RAISED, said="__gc is not available"),
    Hostile("iterator without end", "for _ in function() return 1 end do end"),
    Hostile("metamethod loop", """
        local twin = setmetatable({}, { __index = function(self, key) return self[key + 1] end })
        while true do pcall(function() return twin[1] end) end"""),
    Hostile("index chain", """
        local chain = {}
        for at = 1, 1999 do chain = setmetatable({}, { __index = chain }) end
        while true do local nothing = chain.x end"""),
    Hostile("recursion", "local function deep() return 1 + deep() end while true do pcall(deep) end"),
    Hostile("recursion in C", "local function deep() return (('x'):gsub('x', deep)) end while true do pcall(deep) end"),
    # Memory
    Hostile("building", "local text = '' while true do text = text .. 'x' end"),
    Hostile("doubling", "local text = 'x' while true do text = text .. text end"),
    Hostile("hoard", "local kept = {} while true do kept[#kept + 1] = {} end"),
    Hostile("hoard of strings", "local kept = {} while true do kept[#kept + 1] = 'x' .. #kept end"),
    Hostile("hoard beyond the request", "while true do kept[#kept + 1] = ('x'):rep(1000) .. #kept end", above="local kept = {}", stays=True),
    Hostile("hoard of closures", "local function hold(x) return function() return x end end while true do kept = hold(kept) end",
            above="local kept", stays=True),
    # One instruction that is long
    Hostile("concatenation", "while true do local text = huge .. huge end", above=HUGE),
    Hostile("comparison", "while true do local less = one < two end", above=TWINS),
    Hostile("equality", "while true do local same = one == two end", above=TWINS),
    Hostile("coercion", "while true do pcall(function() return digits + 1 end) end", above='local digits = ("0"):rep(1 << 20)'),
    Hostile("sparse next", "while true do next(holes) end", above=HOLES),
    Hostile("sparse pairs", "while true do for _ in pairs(holes) do end end", above=HOLES),
    Hostile("growing arguments", "local function grow(...) return grow(1, ...) end while true do pcall(grow) end"),
    Hostile("select", "while true do pcall(select, -1, table.unpack(list, 1, 200)) end", above=LIST),
    Hostile("unpack", "while true do pcall(table.unpack, list) end", above=LIST),
    Hostile("unpack of nothing", "while true do pcall(table.unpack, {}, 1, 200000) end"),
    # C functions that loop
    Hostile("find", "while true do text:find('.-.-.-.-b') end", above=CATASTROPHE),
    Hostile("find plain", "while true do text:find('aaaaaaaaaaaaaaaab', 1, true) end", above=CATASTROPHE),
    Hostile("match", "while true do text:match('^(.*)(.*)(.*)(.*)b$') end", above=CATASTROPHE),
    Hostile("match of optionals", "local n = 28 while true do ('a'):rep(n):match(('a?'):rep(n) .. ('a'):rep(n)) end"),
    Hostile("gmatch", "for _ in text:gmatch('a*a*a*a*b') do end", above=CATASTROPHE),
    Hostile("gsub", "while true do text:gsub('a-b', '') end", above=CATASTROPHE),
    Hostile("gsub that grows", "local text = 'xx' while true do text = text:gsub('x', '%0%0') end"),
    Hostile("balance", "while true do nest:find('%b()') end", above="local nest = ('('):rep(50000)"),
    Hostile("frontier", "while true do text:find('%f[b]') end", above=CATASTROPHE),
    Hostile("rep", "while true do local text = ('x'):rep(1 << 20) end"),
    Hostile("rep beyond all", "while true do pcall(string.rep, 'x', 1 << 40) end"),
    Hostile("rep of nothing", "while true do (''):rep(1 << 60) end"),
    Hostile("format", "while true do ('%99.99f'):format(1e308) end"),
    Hostile("format of much", "while true do ('%s%s%s%s'):format(huge, huge, huge, huge) end", above=HUGE),
    Hostile("format of quotes", "while true do ('%q'):format(huge) end", above=HUGE),
    Hostile("bytes", "while true do pcall(string.byte, huge, 1, -1) end", above=HUGE),
    Hostile("case", "while true do huge:upper() end", above=HUGE),
    Hostile("reverse", "while true do huge:reverse() end", above=HUGE),
    Hostile("pack", "while true do string.pack('s8', huge) end", above=HUGE),
    Hostile("concat", "while true do table.concat(list, ',') end", above=LIST),
    Hostile("concat of much", "while true do pcall(table.concat, much) end",
            above=HUGE + " local much = {} for at = 1, 1000 do much[at] = huge end"),
    Hostile("sort", "while true do table.sort(list) end", above=LIST),
    Hostile("sort without order", "while true do pcall(table.sort, list, function() return true end) end", above=LIST),
    Hostile("sort that lies", "while true do pcall(table.sort, list, function() return math.random() < 0.5 end) end", above=LIST),
    Hostile("move", "while true do table.move(list, 1, 30000, 2) end", above=LIST),
    Hostile("move for ever", "table.move({}, 1, math.maxinteger - 1, 2)"),
    Hostile("insert in front", "while true do table.insert(list, 1, 0) end", above=LIST),
    Hostile("remove in front", "while true do table.remove(list, 1) if #list == 0 then list = { 1 } end end", above=LIST),
    Hostile("utf8 length", "while true do utf8.len(huge) end", above=HUGE),
    Hostile("utf8 offset", "while true do utf8.offset(huge, 1 << 19) end", above=HUGE),
    Hostile("utf8 codes", "while true do for _ in utf8.codes(huge) do end end", above=HUGE),
    Hostile("utf8 points", "while true do pcall(utf8.codepoint, huge, 1, -1) end", above=HUGE),
    Hostile("number of text", "while true do tonumber(digits) end", above='local digits = ("0"):rep(1 << 20)'),
    Hostile("number in a base", "while true do tonumber(digits, 10) end", above='local digits = ("0"):rep(1 << 20)'),
    # What the edge gives them
    Hostile("JSON of much", "while true do edge.json.encode(list) end", above=LIST),
    Hostile("JSON from much", "while true do edge.json.decode(text) end", above='local text = "[" .. ("1,"):rep(100000) .. "1]"'),
    Hostile("JSON of a circle", "local round = {} round.round = round while true do pcall(edge.json.encode, round) end"),
    Hostile("JSON that doubles", "local twice = {} for at = 1, 50 do twice = { twice, twice } end edge.json.encode(twice)"),
    Hostile("JSON of tables", "edge.json.decode(text)", above='local text = "[" .. ("[],"):rep(1 << 20) .. "1]"'),
    Hostile("digest", "while true do edge.crypto.sha512(huge) end", above=HUGE),
    Hostile("HMAC", "while true do edge.crypto.hmac('sha256', 'k', huge) end", above=HUGE),
    Hostile("encryption", "while true do edge.crypto.encrypt(('k'):rep(32), huge) end", above=HUGE),
    Hostile("random", "while true do edge.crypto.random(65536) end"),
    Hostile("base 64", "while true do edge.base64.encode(huge) end", above=HUGE),
    Hostile("base 64 back", "while true do edge.base64.decode(text) end", above='local text = ("AAAA"):rep(1 << 18)'),
    Hostile("hex", "while true do edge.hex.encode(huge) end", above=HUGE),
    Hostile("URL", "while true do edge.url.encode(huge) end", above=HUGE),
    Hostile("cookies", "while true do edge.cookie.parse(text) end", above='local text = ("a=b; "):rep(1 << 16)'),
    Hostile("query", "while true do edge.url.parse('http://h/?' .. huge) end", above=HUGE),
    Hostile("header reads", "while true do local value = event.request.headers['x-none'] end"),
    Hostile("header pairs", "while true do for _ in pairs(event.request.headers) do end end"),
    Hostile("header storm", "for at = 1, 1e9 do event.request.headers['x-' .. at] = 'v' end", EITHER),
    Hostile("header storm by add", "for at = 1, 1e9 do event.request.headers:add('x', 'v') end", EITHER),
    Hostile("header rewrites", "while true do event.request.headers.x = ('v'):rep(10000) end", INVALID),
    Hostile("query storm", "for at = 1, 1e9 do event.request.query['x' .. at] = 'v' end", EITHER),
    Hostile("cookie storm", "for at = 1, 1e9 do event.request.cookies['x' .. at] = 'v' end", EITHER),
    Hostile("path storm", "while true do event.request.path = '/' .. ('x'):rep(8000) end", EITHER),
    Hostile("field storm", "for at = 1, 1e9 do event.log['x' .. at] = 'v' end", INVALID),
    Hostile("log storm", "while true do edge.log('storm') end"),
    Hostile("print storm", "while true do print(huge) end", above=HUGE),
    Hostile("log of much", "local t = {} for at = 1, 1000 do t['x' .. at] = huge end while true do edge.log('x', t) end", above=HUGE),
    Hostile("response too large", "return { body = ('x'):rep((1 << 20) + 1) }", INVALID),
    Hostile("response of headers", "local h = {} for at = 1, 1000 do h['x' .. at] = 'v' end return { headers = h }", INVALID),
    Hostile("response of large headers",
            "local h = {} for at = 1, 100 do h['x' .. at] = ('v'):rep(16000) end return { headers = h }", INVALID),
    Hostile("state hoard", "local kept = {} event.state.kept = kept while true do kept[#kept + 1] = {} end"),
    Hostile("wait", "edge.sleep(60)", waits=True),
    Hostile("wait storm", "while true do edge.sleep(0) end", waits=True),
    Hostile("strand storm", "local f = {} for at = 1, 1000 do f[at] = function() while true do end end end edge.all(f)",
            (503, None)),
    Hostile("strands that spin", "local f = {} for at = 1, 60 do f[at] = function() while true do end end end edge.all(f)"),
    Hostile("strands in strands", """
        local function more() return edge.all { more, more } end
        return more()""", INVALID),
    Hostile("fetch storm", "while true do edge.fetch('http://127.0.0.1:1/') end"),
    Hostile("defer storm", "while true do edge.defer(function() while true do end end) end", (503, None)),
    Hostile("error that is a trap", "error(setmetatable({}, { __tostring = function() while true do end end }))", RAISED),
    Hostile("error of much", "error(huge)", RAISED, above=HUGE),
    Hostile("result that is a trap", "return setmetatable({}, { __index = function() while true do end end })", DONE),
]
