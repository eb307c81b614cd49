using System.Diagnostics;
using System.Text;
using Postern.Core.Config;
using Postern.Core.Versions;
using Postern.Memcache;

namespace Postern.Tests.Memcache;

public sealed class MemcacheClientTests
{
    private static readonly TimeSpan Ample = TimeSpan.FromSeconds(20);

    [Fact]
    public void Rows_are_put_looked_up_and_removed_in_the_servers_words()
    {
        using var server = new FakeMemcached(static line => line switch
        {
            "get p:a" => FakeMemcached.Bytes("VALUE p:a 0 5\r\none\r\n\r\nEND\r\n"),
            "get p:b" => FakeMemcached.Bytes("END\r\n"),
            "delete p:a" => FakeMemcached.Bytes("DELETED\r\n"),
            "delete p:b" => FakeMemcached.Bytes("NOT_FOUND\r\n"),
            "hello" => FakeMemcached.Bytes("STORED\r\n"),
            _ => null,
        });
        using var client = Client(server.Port, Ample, "key_format = p:%s\nflags = 3\nttl = 99");

        Assert.Equal("one\r\n", Get(client, "a"));
        Assert.Null(Get(client, "b"));
        Assert.Null(client.Set("a", "hello"u8));
        Assert.Null(client.Delete("a"));
        Assert.Null(client.Delete("b"));

        Assert.Equal(["get p:a", "get p:b", "set p:a 3 99 5", "hello", "delete p:a", "delete p:b"], server.Lines);
    }

    [Theory]
    [InlineData("garbage\r\n", "the reply is not memcached's")]
    [InlineData("VALUE other 0 1\r\nx\r\nEND\r\n", "the reply is not memcached's")]
    [InlineData("VALUE k 0 -1\r\nx\r\nEND\r\n", "the reply is not memcached's")]
    [InlineData("VALUE k 0 3\r\nabcdef\r\nEND\r\n", "the reply is not memcached's")]
    [InlineData("VALUE k 0 99999999\r\nx", "a value of 99999999 bytes is longer than data_size_limit")]
    [InlineData("SERVER_ERROR out of memory\r\n", "the server says: SERVER_ERROR out of memory")]
    public void A_server_that_speaks_otherwise_is_not_believed(string reply, string problem)
    {
        using var server = new FakeMemcached(_ => FakeMemcached.Bytes(reply));
        using var client = Client(server.Port, Ample, "max_try = 1");

        Assert.Equal(problem, client.Get("k", out var value));
        Assert.Null(value);
    }

    [Fact]
    public void An_endless_line_ends_at_the_limit()
    {
        using var server = new FakeMemcached(_ => new byte[3_000_000]);
        using var client = Client(server.Port, Ample, "max_try = 1");

        Assert.Equal("the reply is longer than line_size_limit", client.Get("k", out _));
    }

    [Fact]
    public void A_server_that_does_not_answer_costs_the_limit_once_and_then_nothing_for_a_while()
    {
        using var server = new FakeMemcached(static _ => null);
        using var client = Client(server.Port, TimeSpan.FromMilliseconds(50), "retry_pause = 1000");

        Assert.Equal("Connection timed out", client.Get("a", out _));
        for (var i = 0; i < 1000; i++)
            Assert.Equal("Connection timed out", client.Get("b", out _));

        Loop.LoopHarness.Until(() => server.Lines.Count > 0, "nothing was asked");
        Assert.Equal(["get a"], server.Lines);
    }

    [Fact]
    public void A_server_that_was_restarted_is_used_again_at_once()
    {
        using var server = new FakeMemcached(static _ => FakeMemcached.Bytes("END\r\n"));
        using var client = Client(server.Port, Ample);
        Assert.Null(Get(client, "a"));

        server.HangUp();

        Assert.Null(Get(client, "b"));
    }

    [Fact]
    public void Where_nobody_listens_Postfixs_words_say_so()
    {
        int port;
        using (var server = new FakeMemcached(static _ => null))
            port = server.Port;
        using var client = Client(port, Ample);

        Assert.Equal($"connect to 127.0.0.1:{port}: Connection refused", client.Get("a", out _));
    }

    [Fact]
    public void The_real_memcached_agrees()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/memcached"), "needs memcached");
        var folder = Directory.CreateTempSubdirectory("postern-memcached-").FullName;
        using var server = Process.Start(new ProcessStartInfo("/usr/bin/memcached", ["-u", "root", "-s", folder + "/socket", "-a", "0777"]))!;
        try
        {
            Loop.LoopHarness.Until(() => File.Exists(folder + "/socket"), "memcached does not start");
            Assert.True(MemcacheFile.TryParse($"memcache = unix:{folder}/socket", "/f", PostfixVersion.Base, new RecordedWarnings(), out var file, out _));
            using var client = new MemcacheClient(file, Ample);
            var value = Encoding.ASCII.GetBytes(new string('v', 5000));

            Assert.Null(Get(client, "192.0.2.7"));
            Assert.Null(client.Set("192.0.2.7", value));
            Assert.Equal(new string('v', 5000), Get(client, "192.0.2.7"));
            Assert.Null(client.Delete("192.0.2.7"));
            Assert.Null(client.Delete("192.0.2.7"));
            Assert.Null(Get(client, "192.0.2.7"));
            Assert.Null(Get(client, "no such\r\nkey"));
        }
        finally
        {
            server.Kill();
            server.WaitForExit();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static MemcacheClient Client(int port, TimeSpan limit, string more = "")
    {
        Assert.True(MemcacheFile.TryParse($"memcache = inet:127.0.0.1:{port}\ntimeout = 60\n{more}\n", "/f", PostfixVersion.Base, new RecordedWarnings(), out var file, out var problem), problem);
        return new MemcacheClient(file, limit);
    }

    private static string? Get(MemcacheClient client, string key)
    {
        Assert.Null(client.Get(key, out var value));
        return value is null ? null : Encoding.Latin1.GetString(value);
    }
}
