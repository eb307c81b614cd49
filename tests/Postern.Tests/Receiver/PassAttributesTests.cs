using System.Text;
using CsCheck;
using Postern.Receiver;

namespace Postern.Tests.Receiver;

public sealed class PassAttributesTests
{
    // As captured from postscreen 3.7.11.
    private const string Captured = "client_address\0127.0.0.2\0client_port\035101\0server_address\0127.0.0.1\0server_port\025\0\0";

    [Fact]
    public void The_list_of_a_real_postscreen()
    {
        var progress = Read(Captured, out var client, out _);

        Assert.Equal(PassAttributes.Progress.Complete, progress);
        Assert.Equal("127.0.0.2", client);
    }

    [Fact]
    public void Any_shorter_piece_is_incomplete()
    {
        for (var length = 0; length < Captured.Length; length++)
            Assert.Equal(PassAttributes.Progress.Incomplete, Read(Captured[..length], out _, out _));
    }

    [Theory]
    [InlineData("server_port\025\0x\0y\0client_address\0192.0.2.1\0client_port\01\0server_address\0::1\0client_address\02001:db8::2\0\0", "2001:db8::2")]
    [InlineData("client_address\0192.0.2.7\0client_port\00\0server_address\0192.0.2.1\0server_port\065535\0\0", "192.0.2.7")]
    public void Any_order_unknown_names_and_the_last_of_duplicates(string list, string address)
    {
        Assert.Equal(PassAttributes.Progress.Complete, Read(list, out var client, out _));
        Assert.Equal(address, client);
    }

    [Fact]
    public void An_empty_list_leaves_the_addresses_to_the_socket() =>
        Assert.Equal(PassAttributes.Progress.Empty, Read("\0", out _, out _));

    [Theory]
    [InlineData("x\0y\0\0", "missing client address from proxy")]
    [InlineData("client_address\01.2.3\0\0", "bad IPv4 client address syntax from proxy: 1.2.3")]
    [InlineData("client_address\0::x\0\0", "bad IPv6 client address syntax from proxy: ::x")]
    [InlineData("client_address\01.2.3.4\0\0", "missing client port from proxy")]
    [InlineData("client_address\01.2.3.4\0client_port\065536\0\0", "bad TCP client port number syntax from proxy: 65536")]
    [InlineData("client_address\01.2.3.4\0client_port\0\a\0\0", "bad TCP client port number syntax from proxy: ?")]
    [InlineData("client_address\01.2.3.4\0client_port\01\0\0", "missing server address from proxy")]
    [InlineData("client_address\01.2.3.4\0client_port\01\0server_address\01\0\0", "bad IPv6 server address syntax from proxy: 1")]
    [InlineData("client_address\01.2.3.4\0client_port\01\0server_address\01.2.3.4\0\0", "missing server port from proxy")]
    public void Bad_lists_are_named_in_smtpds_words(string list, string words)
    {
        Assert.Equal(PassAttributes.Progress.Bad, Read(list, out _, out var problem));
        Assert.Equal(words, problem);
    }

    [Fact]
    public void No_bytes_break_it() => Gen.Byte[0, 2].Array[0, 60].Sample(static bytes => PassAttributes.Read(bytes, out _, out _));

    private static PassAttributes.Progress Read(string list, out string client, out string? problem)
    {
        var progress = PassAttributes.Read(Encoding.Latin1.GetBytes(list), out var address, out problem);
        client = address.ToString();
        return progress;
    }
}
