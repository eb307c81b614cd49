using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Versions;
using Postern.Storage;
using Postern.Tests.Memcache;
using static Postern.Tests.Storage.AllowlistBench;

namespace Postern.Tests.Storage;

/// <summary>The allowlist of several hosts, in a memcached that may be there or not.</summary>
public sealed class MemcacheAllowlistTests : IDisposable
{
    private readonly AllowlistBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void What_another_host_remembered_is_found_and_ours_is_told()
    {
        using var server = new FakeMemcached(line => line switch
        {
            "get 192.0.2.7" => FakeMemcached.Bytes($"VALUE 192.0.2.7 0 18\r\n{CacheRecord.Format(_bench.Passed)}\r\nEND\r\n"),
            _ when line.StartsWith("get", StringComparison.Ordinal) => FakeMemcached.Bytes("END\r\n"),
            _ when line.Contains(';') => FakeMemcached.Bytes("STORED\r\n"),
            _ => null,
        });
        var allowlist = Open(server.Port, "");

        Assert.Equal(_bench.Passed, Ask(allowlist, Client));
        Assert.Null(Ask(allowlist, Address(1)));
        allowlist.Remember(Address(1), _bench.Passed);
        _bench.RunUntil(allowlist, () => server.Lines.Contains(CacheRecord.Format(_bench.Passed)));

        Assert.Contains("set 10.0.0.1 0 3600 18", server.Lines);
        Assert.Equal(0, _bench.Logged("Warning"));
    }

    [Fact]
    public void Without_a_server_clients_are_tested_and_the_log_says_so_once_a_second()
    {
        int port;
        using (var server = new FakeMemcached(static _ => null))
            port = server.Port;
        var allowlist = Open(port, "");

        for (var i = 0; i < 20; i++)
            Assert.Null(Ask(allowlist, Address(i)));
        allowlist.Remember(Client, _bench.Passed);
        _bench.RunUntilLogged(allowlist, "could not update entry for 192.0.2.7");

        Assert.True(allowlist.TryRecall(Client, out _));
        Assert.InRange(_bench.Logged($"Warning: connect to 127.0.0.1:{port}: Connection refused"), 1, 10);
        Assert.InRange(_bench.Logged("Warning: memcache:/f: cache lookup for '10.0.0."), 1, 10);
    }

    [Fact]
    public void A_server_that_is_silent_holds_nobody_up_for_long()
    {
        using var server = new FakeMemcached(static _ => null);
        var allowlist = Open(server.Port, "retry_pause = 1000");

        for (ulong i = 0; i < 1000; i++)
            allowlist.Ask(Address((int)i), i);
        var answers = new HashSet<ulong>();
        _bench.RunUntil(allowlist, () =>
        {
            while (allowlist.TryTakeAnswer(out var answer))
            {
                Assert.Null(answer.Record);
                answers.Add(answer.Client);
            }

            return answers.Count == 1000;
        });

        Assert.Equal(["get 10.0.0.0"], server.Lines);
    }

    [Fact]
    public void The_backup_answers_for_a_server_that_is_gone_and_remembers()
    {
        int port;
        using (var server = new FakeMemcached(static _ => null))
            port = server.Port;
        using (var earlier = Open(port, $"backup = btree:{_bench.Directory}/cache"))
        {
            earlier.Remember(Client, _bench.Passed);
            _bench.Save(earlier);
        }

        var allowlist = Open(port, $"backup = btree:{_bench.Directory}/cache");

        Assert.True(allowlist.TryRecall(Client, out _));
        Assert.Null(Ask(allowlist, Address(1)));
        Assert.Equal(0, _bench.Logged("failed due to error"));
        Assert.Equal(0, _bench.Logged("could not update"));
    }

    private TemporaryAllowlist Open(int port, string more)
    {
        Assert.True(MemcacheFile.TryParse($"memcache = inet:127.0.0.1:{port}\n{more}\n", "/f", PostfixVersion.Base, new RecordedWarnings(), out var file, out var problem), problem);
        _bench.Options = _bench.Options with { MapName = "memcache:/f", Memcache = file };
        return _bench.OpenLoaded();
    }

    private TestExpiry? Ask(TemporaryAllowlist allowlist, Core.IpAddress client)
    {
        allowlist.Ask(client, 42);
        AllowlistAnswer answer = default;
        _bench.RunUntil(allowlist, () => allowlist.TryTakeAnswer(out answer));
        Assert.Equal((42ul, client), (answer.Client, answer.Address));
        return answer.Record;
    }
}
