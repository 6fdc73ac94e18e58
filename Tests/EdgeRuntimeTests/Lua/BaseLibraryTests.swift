import CLua
import Testing

@testable import EdgeRuntime

@Suite struct BaseLibraryTests {
    /// One function of Lua's, in a machine with our library or the real one.
    final class Function {
        let state: LuaState
        private let reference: CInt

        init(_ program: String, isReal: Bool) throws {
            state = try #require(LuaState(memoryBytesMax: 256 << 20))
            let stack = state.stack
            if isReal { edge_lua_open_reference(stack.state) } else { stack.pushLibraries() }
            stack.pushCopy(of: -1)
            stack.setField("G", of: -2)
            try stack.load(Array(program.utf8), name: "=p")
            stack.useAsGlobals()
            try stack.call(arguments: 0, results: 1, instructions: 1_000_000)
            reference = edge_lua_keep(stack.state)
        }

        /// The text that it makes of the value on top.
        func text() throws -> String {
            let stack = state.stack
            edge_lua_push_kept(stack.state, reference)
            lua_rotate(stack.state, -2, 1)
            try stack.call(arguments: 1, results: 1, instructions: 20_000_000)
            let bytes = try #require(stack.bytes(at: -1))
            stack.pop()
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    @Test(arguments: [0, 1_000_000, 2_000_000, 3_000_000])
    func answersWhatLuaAnswers(firstSeed: Int64) throws {
        let generator = try Function(BaseLibraryCases.generator, isReal: true)
        let ours = try Function(BaseLibraryCases.observer, isReal: false)
        let real = try Function(BaseLibraryCases.observer, isReal: true)
        for seed in firstSeed..<firstSeed + 10_000 {
            lua_pushinteger(generator.state.stack.state, seed)
            let expression = try generator.text()
            // Ours is hidden, so that nobody changes what all functions share.
            if expression.hasPrefix("getmetatable(\"") { continue }
            ours.state.stack.push(expression)
            real.state.stack.push(expression)
            let expected = try real.text()
            let answer = try ours.text()
            if answer != expected {
                Issue.record("seed \(seed): \(expression)\n  ours \(answer)\n  real \(expected)")
                return
            }
        }
    }

    // MARK: One at a time

    /// Runs `code` in slices, with a fetch that waits and two tables that can only be read.
    private func run(_ code: String) throws -> (LuaThread.Outcome, String) {
        let state = try #require(LuaState(memoryBytesMax: 128 << 20))
        let thread = state.newThread()
        let stack = thread.stack
        stack.pushLibraries()
        stack.push { state in
            guard let state, edge_lua_can_wait(state) == 0 else { return CInt(EDGE_LUA_WAIT) }
            return LuaStack(state).fail("cannot wait here")
        }
        stack.setField("fetch", of: -2)
        try pushReadOnly("local t = { a = 7, b = 8, [1] = 9 } return t", name: "edge", on: stack)
        stack.setField("ro", of: -2)
        try pushReadOnly("return { 2, 4, 6, 8, 10 }", name: "list", on: stack)
        stack.setField("rl", of: -2)
        try stack.load(Array(code.utf8), name: "=t")
        stack.useAsGlobals()
        stack.dropBelowTop()
        var budget = LuaBudget(instructions: 2_000_000, memoryBytes: 16 << 20, slice: 1_000_000)
        var waits = 0
        var outcome = thread.resume(arguments: 0, budget: &budget)
        while true {
            switch outcome {
            case .sliced: outcome = thread.resume(arguments: 0, budget: &budget)
            case .waits:
                waits += 1
                if waits == 3 {
                    thread.pushRaise("raised")
                } else {
                    stack.push("\(waits * 10)")
                }
                let values = waits == 3 ? 2 : 1
                outcome = thread.resume(arguments: values, budget: &budget)
            case .finished, .failed:
                luaL_tolstring(stack.state, -1, nil)
                return (outcome, stack.string(at: -1) ?? "")
            }
        }
    }

    private func pushReadOnly(_ code: String, name: String, on stack: LuaStack) throws {
        try stack.load(Array(code.utf8), name: "=r")
        try stack.call(arguments: 0, results: 1, instructions: 1000)
        edge_lua_push_readonly(stack.state, name)
    }

    private func expect(_ expected: String, of code: String) throws {
        let (_, text) = try run(code)
        #expect(text == expected)
    }

    @Test(arguments: [
        (
            "10",
            "return select(2,pcall(fetch))"
        ),
        (
            "10 20 false raised",
            #"""
            local a=select(2,pcall(fetch)) local b=select(2,xpcall(fetch,tostring)) local \#
            c,d=pcall(function() return fetch() end) return tostring(a)..' '..b..' \#
            '..tostring(c)..' '..d
            """#
        ),
        (
            "h:raised 40",
            #"""
            fetch() fetch() local ok,m=xpcall(function() local ok,x=pcall(function() \#
            fetch() end) error(x,0) end,function(m) return 'h:'..m end) return m..' \#
            '..fetch()
            """#
        ),
        (
            "10",
            #"""
            return setmetatable({},{__pairs=function() return fetch() end}) and \#
            select(1,pairs(setmetatable({},{__pairs=function() return fetch() end})))
            """#
        ),
    ])
    func waitsGoThroughProtectedCalls(expected: String, code: String) throws {
        try expect(expected, of: code)
    }

    @Test(arguments: [
        (
            "1,2,3,-5,0,7,-1.5,0.5,,B,a,aa,b,false,true,",
            #"""
            local \#
            t={[0.5]=1,a=1,[true]=1,b=1,[7]=1,[false]=1,[0]=1,[-5]=1,[3]=1,[-1.5]=1,aa=1,[2]=1,B=1,['']=1,[1]=1} \#
            local s='' for k,v in pairs(t) do s=s..tostring(k)..',' end return s
            """#
        ),
        (
            "1,3,x,z,",
            #"""
            local t={1,2,3,x=1,y=2,z=3} local s='' for k in pairs(t) do if k==1 then \#
            t[2]=nil t.y=nil end s=s..k..',' end return s
            """#
        ),
        (
            "1,3,5,",
            #"""
            local t={1,2,3,4,5} local s='' for k in pairs(t) do t[k+1]=nil s=s..k..',' \#
            end return s
            """#
        ),
        (
            "nil",
            "local t={1,2,3,x=1,y=2,z=3} for k in pairs(t) do t[k]=nil end return next(t)"
        ),
        (
            "true",
            "return pairs({})==next and pairs({1,2})==next and pairs({a=1})~=next"
        ),
        (
            "300",
            #"""
            local t={} for i=1,300 do t['k'..i*7919%1000]=i end local last,n='',0 for k \#
            in pairs(t) do if k<=last then return 'bad' end last=k n=n+1 end return n
            """#
        ),
        (
            "true",
            #"""
            local t={} for i=1,50 do t[{}]=i t[i/8]=i t['s'..i]=i end local n=0 local \#
            f,s,c=pairs(t) for k,v in f,s,c do if t[k]~=v then return 'bad' end n=n+1 end \#
            local m=0 for k in next,t do m=m+1 end return n==m and s==t
            """#
        ),
        (
            "ok",
            #"""
            local m={} local t=setmetatable({},m) m.__mode='k' for i=1,2000 do t[{}]=i end \#
            local n=0 for k,v in pairs(t) do n=n+1 end return n==2000 and m.__mode=='k' and 'ok'
            """#
        ),
        (
            "false",
            "return (pcall(setmetatable, {}, { __mode = 'k' }))"
        ),
    ])
    func pairsHasOneOrder(expected: String, code: String) throws { try expect(expected, of: code) }

    @Test(arguments: [
        (
            "t:1: edge is read-only",
            "ro.a=1"
        ),
        (
            "t:1: edge is read-only",
            "ro.zz=1"
        ),
        (
            "t:1: edge is read-only",
            "rawset(ro,'a',1)"
        ),
        (
            "t:1: edge is read-only",
            "setmetatable(ro,nil)"
        ),
        (
            "t:1: list is read-only",
            "table.insert(rl,1)"
        ),
        (
            "t:1: list is read-only",
            "table.sort(rl)"
        ),
        (
            "t:1: list is read-only",
            "table.remove(rl)"
        ),
        (
            "t:1: list is read-only",
            "table.move({1,2},1,2,1,rl)"
        ),
        (
            "false",
            "return getmetatable(ro)"
        ),
        (
            "7 7 9",
            "return ro.a..' '..rawget(ro,'a')..' '..rawlen(ro)+8"
        ),
        (
            "1=9,a=7,b=8,",
            "local s='' for k,v in pairs(ro) do s=s..k..'='..v..',' end return s"
        ),
        (
            "1=2,2=4,3=6,4=8,5=10,5 2,4,6,8,10 10",
            #"""
            local s='' for k,v in pairs(rl) do s=s..k..'='..v..',' end return s..#rl..' \#
            '..table.concat(rl,',')..' '..select('#',table.unpack(rl))*2
            """#
        ),
        (
            "true",
            "local f,s,c=pairs(ro) return s==ro and c==nil"
        ),
        (
            "1 9",
            "local k,v=next(ro) local a,b=next(rl) return a..' '..ro[1]"
        ),
    ])
    func readOnlyTablesAreReadOnly(expected: String, code: String) throws {
        try expect(expected, of: code)
    }

    @Test(arguments: [
        (
            "t:1: too many results to unpack",
            "table.unpack({},1,8001)"
        ),
        (
            "8000",
            "return select('#',table.unpack({},1,8000))"
        ),
        (
            "8000",
            "return #table.pack(utf8.codepoint(('x'):rep(8000),1,-1))"
        ),
        (
            "t:1: string slice too long",
            "utf8.codepoint(('x'):rep(8001),1,-1)"
        ),
        (
            "t:1: __gc is not available",
            "setmetatable({},{__gc=function() end})"
        ),
        (
            "t:1: __gc is not available",
            "setmetatable({},{__gc=true})"
        ),
        (
            "x=nil y=3",
            "x=nil local f=load('y=3') f() return 'x='..tostring(x)..' y='..y"
        ),
        (
            "nil",
            "local e={} load('z=1','c','t',e)() return z"
        ),
        (
            "t:1: bad argument #1 to 'load' (string expected, got function)",
            "load(function() end)"
        ),
        (
            "edge",
            "local q=load('local _ENV={} return function() return load end') return 'edge'"
        ),
        (
            "table function thread",
            #"""
            return tostring({})..' '..tostring(print or next)..' \#
            '..tostring(coroutine.create(next))
            """#
        ),
        (
            "t:1: '__tostring' must return a string",
            "return tostring(setmetatable({},{__tostring=function() return {} end}))"
        ),
        (
            "ok",
            #"""
            local t={} for i=1,64 do t[i]=0 end for i=1,6400 do local r=math.random(64) \#
            t[r]=t[r]+1 end for i=1,64 do if t[i]<40 or t[i]>180 then return t[i] end end \#
            return 'ok'
            """#
        ),
        (
            "ok",
            #"""
            for i=1,1000 do local x=math.random() if x<0 or x>=1 then return x end local \#
            y=math.random(math.mininteger,math.maxinteger) local z=math.random(-3,3) if \#
            z<-3 or z>3 then return z end end return math.type(math.random(0))=='integer' \#
            and 'ok'
            """#
        ),
        (
            "t:1: invalid UTF-8 code",
            #"for _ in utf8.codes("\xc3\xa9\x80") do end"#
        ),
        (
            "true true",
            #"""
            local t = setmetatable({}, { __index = function(t, k) return t[k] end }) \#
            local ok, m = xpcall(function() return t.x end, function(m) \#
            return m:find('stack overflow', 1, true) end) \#
            return tostring(not ok) .. ' ' .. tostring(m ~= nil)
            """#
        ),
    ])
    func differsWhereItSaysSo(expected: String, code: String) throws {
        try expect(expected, of: code)
    }

    @Test(arguments: [
        "while true do pcall(function() while true do end end) end",
        "xpcall(function() while true do end end,function() while true do end end)",
        "while true do xpcall(error,function() while true do end end) end",
        "pcall(pcall,pcall,function() while true do end end) return 'escaped'",
        "pcall(function() fetch() while true do end end) return 'escaped'",
        "local t={} pcall(function() while true do t[#t+1]={} end end) return 'escaped'",
        #"""
        local s='return '..('{'):rep(100)..('1,'):rep(200000)..('}'):rep(100) local \#
        t={} while true do t[#t+1]=load(s) end
        """#,
        "local s='x='..('1+'):rep(500000)..'1' while true do load(s) end",
        #"""
        local s=('local a=1 '):rep(100)..('a=a+1 '):rep(300000) while true do load(s) \#
        end
        """#,
        #"""
        return table.concat(setmetatable({},{__index=function() return 'x' \#
        end}),'',1,1<<62)
        """#,
        #"""
        return table.concat(setmetatable({},{__index=string.lower and \#
        setmetatable({},{__index=function() return '' end})}),'',1,1<<62)
        """#,
        "table.move({},1,math.maxinteger,1)",
        "table.move({},1,1<<61,2,setmetatable({},{__newindex=function() end}))",
        #"""
        table.insert(setmetatable({},{__len=function() return 1<<62 \#
        end,__newindex=function() end}),1,1)
        """#,
        #"""
        table.remove(setmetatable({},{__len=function() return 1<<62 \#
        end,__newindex=function() end}),1)
        """#,
        #"""
        table.sort(setmetatable({},{__len=function() return (1<<31)-2 \#
        end,__newindex=function() end}))
        """#,
        #"""
        table.sort(setmetatable({},{__len=function() return (1<<31)-2 \#
        end,__index=function() return 1 end,__newindex=function() end}))
        """#,
        #"""
        local t={} for i=1,200000 do t[i]=i*7919%200003 end while true do \#
        table.sort(t,function(a,b) return true end) end
        """#,
        #"""
        local t={} for i=1,200000 do t[i]=i*7919%200003 end while true do \#
        table.sort(t) end
        """#,
        #"""
        local s=('x'):rep(1000000) local t={} for i=1,60 do t[i]=s..i end while true \#
        do table.sort(t) end
        """#,
        #"""
        local t={} for i=1,20000 do t['k'..i]=1 end while true do for k in pairs(t) \#
        do break end end
        """#,
        #"""
        local t={} for i=1,100000 do t[i]=1 end while true do for k in pairs(t) do \#
        break end end
        """#,
        #"""
        local t={} for i=1,60 do t[('x'):rep(100000)..i]=1 end while true do for k in \#
        pairs(t) do break end end
        """#,
        #"""
        local t={} for i=1,200000 do t[i]=1 end for i=1,200000 do t[i]=nil end while \#
        true do pairs(t) end
        """#,
        #"""
        local t={} for i=1,200000 do t[i]=1 end for i=1,200000 do t[i]=nil end while \#
        true do next(t) end
        """#,
        "local t={} for i=1,8000 do t[i]=i end while true do table.unpack(t) end",
        #"""
        local t={} for i=1,8000 do t[i]=i end while true do select(1,table.unpack(t)) \#
        end
        """#,
        #"""
        local t={} for i=1,7000 do t[i]=i end while true do math.max(table.unpack(t)) \#
        end
        """#,
        #"""
        local t={} for i=1,7000 do t[i]=65 end while true do \#
        utf8.char(table.unpack(t)) end
        """#,
        "local s=('x'):rep(1000000) while true do utf8.len(s) end",
        #"local s=('\x80'):rep(1000000) while true do utf8.offset(s,0,1000000) end"#,
        #"""
        local s=('\x80'):rep(1000000) while true do pcall(utf8.codes('x'),'x'..s,1) \#
        end
        """#,
        "local s=('7'):rep(1000000) while true do tonumber(s,8) end",
        "local s=(' '):rep(1000000)..'1' while true do tonumber(s) end",
    ])
    func nothingOutlivesItsBudget(code: String) throws {
        let (outcome, text) = try run(code)
        #expect(
            outcome == .failed(.instructions) || outcome == .failed(.memory),
            "\(outcome): \(text)"
        )
    }
}
