// The random cases of `BaseLibraryTests`, in Lua: one half writes expressions, the other says what came of one.

enum BaseLibraryCases {
    /// A function from a seed to the text of an expression. Nothing in it loops for long in the real library.
    static let generator = #"""
        local state
        local function bits() state = state * 6364136223846793005 + 1442695040888963407
              return (state >> 33) end
        local function below(n) return bits() % n end
        local function pick(list) return list[below(#list) + 1] end
        local numbers = {'0','1','2','3','-1','-2','5','10','36','37','7','8','0.5','-0.0','1.0','2.0',
              '3.5','-3.7','1e15','2^53','1e300','math.huge','-math.huge','(0/0)','math.maxinteger',
              'math.mininteger','math.maxinteger-1','2^31','2^63','-2^63','0x7fffffff','0x80000000',
              '0x10ffff','0x110000','0xd800','0x7ff','0x800','255','128'}
        local small = {'0','1','2','3','4','5','6','-1','-2','-3','7','8','20','1.0','2.0','1.5','"2"',
              '"x"','nil','true'}
        local strings = {'""','"a"','"10"','" 0x1F "','"1e1"','"zZ"','"-7fffffffffffffff"','"\\xff"',
              '"abc"','"0x"','"1 2"','"  12  "','"1\\0"','"0x1p4"','"inf"','"nan"',
              '"99999999999999999999"','"-0"','"1e"','"#"','"##x"','"z"','"-ff"','"+11"',
              '"9223372036854775808"','"0xffffffffffffffffff"','"1e400"', '"٣"'}
        local texts = {'""','"abc"','"aé€😀z"','"é"','"\\xc3"','"\\x80"','"a\\x80"','"\\xe2\\x82"',
              '"\\xed\\xa0\\x80"','"\\xf4\\x90\\x80\\x80"','"\\xfd\\xbf\\xbf\\xbf\\xbf\\xbf"','"\\xff"',
              '"\\xfe\\x80\\x80\\x80\\x80\\x80\\x80"','"\\xc0\\x80"','"\\xe0\\x80\\x80"','"日本語"',
              '"a\\0b"','"\\xf8\\x88\\x80\\x80\\x80"','"\\xc3\\xa9\\x80"','12','12.5'}
        local tables = {'{}','{1,2,3}','{"a","b","c"}','{1,"x",2.5}','{n=3}','{1,2,nil,4}',
              '{5,4,3,2,1}','log({1,2,3})','log({},2)','log({7,8},-1)','log({7,8,9},1)',
              'setmetatable({1,2},{__len=function() return "x" end})',
              'setmetatable({1,2},{__len=function() return 2.0 end})',
              'setmetatable({1,2},{__len=function() return 2.5 end})',
              'setmetatable({},{__index=function(_,k) return k*2 end,__len=function() return 4 end})',
              'setmetatable({},{__newindex=function(_,k,v) error("no "..tostring(k)) end})',
              'setmetatable({},{__metatable="mine"})','setmetatable({},{__name="My"})',
              'setmetatable({},{__tostring=function() return "T" end})',
              'setmetatable({},{__tostring=function() return 1 end})',
              'setmetatable({},{__tostring=function() return {} end})',
              'setmetatable({},{__pairs=function(t) return next,{a=1},nil end})',
              'setmetatable({},{__metatable=false})','{[0]=0,[-1]=1,[1.5]=2}'}
        local others = {'nil','true','false','print_','function() end','function(...) return ... end',
              'coroutine.create(function() end)'}
        local function any()
          local k = below(10)
          if k < 3 then return pick(numbers) elseif k < 5 then return pick(strings) elseif k < 7 then
              return pick(tables) elseif k < 8 then return pick(texts) else return pick(others) end
        end
        local function mostly(pool) if below(12) == 0 then return any() end return pick(pool) end
        local function call(name, ...)
          local a = {...}
          while #a > 0 and below(10) == 0 do a[#a] = nil end
          if below(40) == 0 then a[#a+1] = any() end
          return name .. '(' .. table.concat(a, ',') .. ')'
        end
        local function list(pool, most) local a = {} for i = 1, below(most) do a[i] = pick(pool) end
              return a end
        local near = {{'1','2','3','0','-1','4'},{'math.maxinteger','math.maxinteger-1',
              'math.maxinteger-2'},{'math.mininteger','math.mininteger+1','math.mininteger+2'}}
        local function span() local p = pick(near) return pick(p), pick(p) end
        local less = {'nil','function(a,b) return a<b end','function(a,b) return a>b end',
              'function(a,b) return tostring(a)<tostring(b) end'}
        local cases = {
          function() return call('assert', any(), any(), any()) end,
          function() return call('error', any(), mostly(small)) end,
          function() return call('getmetatable', any()) end,
          function() return call('setmetatable', mostly(tables), mostly(tables)) end,
          function() return 'walk(' .. call('ipairs', mostly(tables)) .. ')' end,
          function() return call('rawequal', any(), any()) end,
          function() return call('rawget', mostly(tables), mostly(numbers)) end,
          function() return call('rawset', mostly(tables), any(), any()) end,
          function() return call('rawlen', any()) end,
          function() return call('select', mostly(small), any(), any(), any()) end,
          function() return call('tonumber', any()) end,
          function() return call('tonumber', mostly(strings), mostly(small)) end,
          function() local s = {} for i = 1, below(7) do s[i] = pick{'0','1','9','a','f','z','Z','.',
              'e','x','-','+',' ','\\n','_','p'} end
            return call('tonumber', '"' .. table.concat(s) .. '"', pick{'nil','10','16','36','2','35',
              '11'}) end,
          function() return call('tostring', any()) end,
          function() return call('type', any()) end,
          function() return call('next', mostly{'{}','{1}','{a=1}','{1,2}','{[2.5]=3}'}, mostly{'nil',
              '1','"a"','2','3'}) end,
          function() return 'walk(' .. call('pairs', mostly{'{}','{1,2,3}','{1,2,3,nil,5}','{a=1}',
              'setmetatable({},{__pairs=function(t) return next,{a=1},nil,4 end})',
              'setmetatable({},{__pairs=function(t) error({}) end})',
              'setmetatable({},{__pairs=1})'}) .. ')' end,
          function() return call('pcall', mostly{'error','assert','select','tostring','rawset',
              'setmetatable','table.concat','table.insert','utf8.char','math.floor','pairs','next',
              'pcall','xpcall','tonumber','rawlen','utf8.len','math.max','ipairs','unknown'}, any(),
              any(), any()) end,
          function() return call('xpcall', mostly{'error','assert','select','tostring',
              'function() error("x") end','function() error({}) end',
              'function() local x = nil + 1 end'}, mostly{'function(m) return m, 2 end','tostring',
              'function(m) error(m) end','type'}, any(), any()) end,
          function() return 'load(' .. pick{'"return 1"','"return ..."','"x ="','"return 1, 2"','""',
              '"return a"','"a = 1 return a"','"error(1)"'} .. ',' .. mostly{'nil','"=n"','"@f"',
              '"chunk"'} .. ',' .. mostly{'nil','"t"','"b"','"bt"','"x"','""'} .. ',' .. pick{'nil',
              '{}','{a=5,error=error}'} .. ')' end,
          function() return 'run(load(' .. pick{'"return 1"','"return ..."','"x ="','"return 1, 2"',
              '""','"return a"','"a = 1 return a"','"error(1)"','"local a <close> = 1"'} .. ','
              .. mostly{'nil','"=n"','"@f"','"chunk\\nx"'} .. ',' .. mostly{'nil','"t"','"bt"'}
              .. ',' .. pick{'nil','{}','{a=5,error=error}'} .. '))' end,
          function() return 'keep(table.concat,' .. mostly(tables) .. ',' .. pick{'""','", "','nil','1',
              '{}','"--"'} .. (below(2) == 0 and ',' .. table.concat({span()}, ',') or '') .. ')' end,
          function() return 'keep(table.insert,' .. mostly(tables) .. ',' .. table.concat(list(small,
              4), ',') .. (below(4)==0 and '' or ',9)') .. (below(4)==0 and '' or '') end,
          function() return 'keep(table.remove,' .. mostly(tables) .. (below(3)==0 and ')' or ','
              .. mostly(small) .. ')') end,
          function() local f, e = span() return 'keep2(table.move,' .. mostly(tables) .. ',' .. f
              .. ',' .. e .. ',' .. pick{'1','2','3','0','-2','math.maxinteger','math.maxinteger-1',
              'math.mininteger','10'} .. (below(2)==0 and '' or ',' .. mostly(tables)) .. ')' end,
          function() return call('table.pack', any(), any(), any()) end,
          function() local f, e = span() return call('table.unpack', mostly(tables), f, e) end,
          function() return call('table.unpack', mostly(tables)) end,
          function() return 'table.unpack({},' .. pick{'1,2^31','1,1e8',
              'math.mininteger,math.maxinteger','0,math.maxinteger','1,1e300','-1e7,1e8'} .. ')' end,
          function() local p = pick{numbers, {'1','2','3','4','5','6','7','8','9','10','11','12'},
              {'"a"','"b"','"ab"','""','"a\\0b"','"a\\0"','"\\xff"','"B"'}, {'0.5','1','1.5','2','-1',
              'math.huge'}} 
            if p == numbers then p = {'0','1','5','-2','2^53','1e300','math.huge','-math.huge',
              'math.maxinteger','math.mininteger','2^63','7','3.25'} end
            return 'sorted(table.sort,{' .. table.concat(list(p, 40), ',') .. '},' .. pick(less)
              .. ')' end,
          function() return 'sorted(table.sort,' .. pick{'{}','{1}','{1,2,nil,4}','{1,"x"}','7','nil',
              'setmetatable({2,1},{__len=function() return 2.5 end})',
              'setmetatable({3,2,1},{__len=function() return 2 end})','{{},{}}','{2,1,n=3}'} .. ','
              .. pick(less) .. ')' end,
          function() return 'sorted(table.sort,log({3,1,2},' .. pick{'0','1','2','3','-5'} .. '))' end,
          function() return 'keep(table.insert,setmetatable({},{__len=function() return math.maxinteger end}),1)' end,
          function() return 'keep(table.insert,setmetatable({},{__len=function() return math.mininteger end}),1)' end,
          function() return 'keep(table.sort,setmetatable({},{__len=function() return '
              .. pick{'math.maxinteger','2^31-1','2^31'} .. ' end}))' end,
          function() return 'keep(table.remove,setmetatable({},{__len=function() return math.maxinteger end}),math.maxinteger)' end,
          function() return call('utf8.char', table.unpack(list(numbers, 4))) end,
          function() return call('utf8.char', table.unpack(list({'65','0x7f','0x80','0x7ff','0x800',
              '0xffff','0x10000','0x10ffff','0x1fffff','0x200000','0x3ffffff','0x4000000','0x7fffffff',
              '0xd800','0'}, 6))) end,
          function() return call('utf8.codepoint', mostly(texts), mostly(small), mostly(small),
              mostly{'true','false','nil'}) end,
          function() return call('utf8.len', mostly(texts), mostly(small), mostly(small), mostly{'true',
              'false','nil'}) end,
          function() return call('utf8.offset', mostly(texts), mostly(small), mostly(small)) end,
          function() return call('utf8.offset', mostly(texts), mostly(numbers), mostly(numbers)) end,
          function() return call('utf8.codepoint', mostly(texts), mostly(numbers), mostly(small)) end,
          function() return call('utf8.len', mostly(texts), mostly(numbers), mostly(numbers)) end,
          function() return call('codes', mostly(texts), mostly{'true','false','nil'}) end,
          function() return 'walk((utf8.codes("x")),' .. pick{'"añb"', '"日本"', '7', '{}'} .. ','
              .. mostly{'0','1','2','3','4','9','math.maxinteger'} .. ')' end,
          function() local b = {} for i = 1, below(9) do b[i] = pick{'\\x80','\\xbf','\\xc3','\\xe2',
              '\\xf0','\\xf8','\\xfc','\\xfe','a','\\x9f','\\x8f','\\xed','\\0','\\xa0'} end
            local s = '"' .. table.concat(b) .. '"'
            return pick{call('utf8.len', s, '1', '-1', pick{'nil','true'}), call('utf8.codepoint', s,
              '1', '-1', pick{'nil','true'}), call('codes', s, pick{'nil','true'}), call('utf8.offset',
              s, mostly(small), mostly(small))} end,
          function() return 'utf8.charpattern' end,
          function() return 'math.' .. pick{'pi','huge','maxinteger','mininteger','pi'} end,
          function() return call('math.' .. pick{'abs','acos','asin','atan','ceil','cos','deg','exp',
              'floor','log','modf','rad','sin','sqrt','tan','tointeger','type'}, mostly(numbers)) end,
          function() return call('math.' .. pick{'atan','fmod','log','ult','max','min'},
              mostly(numbers), mostly(numbers)) end,
          function() return call('math.' .. pick{'max','min'}, mostly(numbers), mostly(numbers),
              mostly(numbers)) end,
          function() return 'math.random(' .. pick{'1','3,3','5,4','0,-1',
              'math.maxinteger,math.maxinteger','1,2,3','"a"','1.5','-3','{}','9,nil'} .. ')' end,
        }
        return function(seed)
          state = seed
          for _ = 1, 3 do bits() end
          return pick(cases)()
        end
        """#

    /// A function from an expression to a text of its results, of what metamethods saw, or of its error.
    static let observer = #"""
        local lines = {}
        local raw_next, type, format, concat = next, type, string.format,
              function(a) local s = '' for i = 1, #a do s = s .. a[i] end return s end
        local show
        local function key_less(a, b)
          local x, y = type(a), type(b)
          if x ~= y then return x < y end
          if x == 'number' or x == 'string' then return a < b end
          return false
        end
        function show(v, depth)
          local kind = type(v)
          if kind == 'string' then return (format('%q', (v:gsub(': 0x%x%x%x%x%x%x%x+', '')))) end
          if kind == 'number' then return math.type(v) == 'integer' and format('%d',
              v) or (v ~= v and 'nan' or format('%a', v)) end
          if kind == 'nil' or kind == 'boolean' then return format('%s', v) end
          if kind ~= 'table' then return kind end
          if depth > 3 then return '...' end
          local keys, n = {}, 0
          for k in raw_next, v do
            n = n + 1
            local at = n
            while at > 1 and key_less(k, keys[at - 1]) do keys[at] = keys[at - 1] at = at - 1 end
            keys[at] = k
          end
          local out = '{'
          for i = 1, n do out = out .. '[' .. show(keys[i], depth + 1) .. ']=' .. show(rawget(v,
              keys[i]), depth + 1) .. ',' end
          return out .. '}'
        end
        local trace
        function log(t, n)
          return setmetatable({}, {
            __index = function(_, k) trace = trace .. 'r' .. format('%s', k) return t[k] end,
            __newindex = function(_, k, v) trace = trace .. 'w' .. format('%s', k) t[k] = v end,
            __len = function() trace = trace .. 'l' return n or #t end})
        end
        function walk(f, s, v)
          local out = {}
          for a, b, c in f, s, v do out[#out + 1] = {a, b, c} if #out > 50 then break end end
          return out
        end
        function codes(s, lax, ...)
          if type(s) ~= 'string' or utf8.len(s, 1, -1, lax) then return walk(utf8.codes(s, lax,
              ...)) end
        end
        function run(f, ...) if f then return f(7, 8) end return f, ... end
        function keep(f, t, ...) return t, f(t, ...) end
        function keep2(f, t, a, b, c, u) return t, u, f(t, a, b, c, u) end
        function sorted(f, t, c)
          local ok, m = pcall(f, t, c)
          if not ok then m = m:gsub('attempt to compare.*',
              'attempt to compare'):gsub('invalid order.*', 'attempt to compare') return ok, m end
          trace = ''
          return t
        end
        return function(text)
          trace = ''
          local f, m = load('return ' .. text, '=case', 't', G)
          if not f then return 'syntax ' .. m .. text end
          local t = table.pack(pcall(f))
          local out = trace
          -- Versions of 5.4 number some arguments differently,
          -- and say differently which value an array lacks.
          if t[1] == false and type(t[2]) == 'string' then
            t[2] = t[2]:gsub('#%d to (.-) %((%a+ .- out of bounds)',
              '# to %1 (%2'):gsub('#%d (to .random.)', '# %1')
            t[2] = t[2]:gsub('invalid value %(.*', 'invalid value')
          end
          for i = 1, t.n do out = out .. ' | ' .. show(t[i], 0) end
          return out
        end
        """#
}
