using System.Net;
using System.Net.Sockets;
using Postern.Core;
using Postern.Native;

namespace Postern.Tests.Native;

public sealed class SockAddrTests
{
    [Theory]
    [InlineData("192.0.2.1", 25)]
    [InlineData("0.0.0.0", 65535)]
    [InlineData("2001:db8::25", 587)]
    [InlineData("::", 0)]
    public void Bytes_are_those_of_the_platform_and_read_back(string text, int port)
    {
        Assert.True(IpAddress.TryParse(text, out var address));
        var bytes = new byte[SockAddr.MaxLength];
        bytes.AsSpan().Fill(0xaa);

        var length = SockAddr.WriteInet(bytes, address, port);

        var platform = new IPEndPoint(IPAddress.Parse(text), port).Serialize();
        Assert.Equal(platform.Buffer[..platform.Size].ToArray(), bytes[..length]);
        Assert.True(SockAddr.TryReadInet(bytes.AsSpan(0, length), out var back, out var backPort));
        Assert.Equal((address, port), (back, backPort));
        Assert.False(SockAddr.TryReadInet(bytes.AsSpan(0, length - 1), out _, out _));
    }

    [Fact]
    public void IPv4_on_an_IPv6_socket_reads_back_as_IPv4()
    {
        Assert.True(IpAddress.TryParse("192.0.2.1", out var address));
        var bytes = new byte[SockAddr.MaxLength];

        var length = SockAddr.WriteInet6(bytes, address, 25);

        Assert.Equal(28, length);
        Assert.Equal(Libc.AF_INET6, SockAddr.Family(bytes));
        Assert.True(SockAddr.TryReadInet(bytes.AsSpan(0, length), out var back, out _));
        Assert.True(back.IsIPv4);
        Assert.Equal(address, back);
    }

    [Theory]
    [InlineData("/run/postern.sock", 20)]
    [InlineData("\0abstract", 11)]
    [InlineData("", 0)]
    public void UNIX_paths_end_with_NUL_and_abstract_names_do_not(string path, int length)
    {
        var bytes = new byte[SockAddr.MaxLength];

        Assert.Equal(length, SockAddr.WriteUnix(bytes, path));
    }

    [Fact]
    public void A_UNIX_path_that_does_not_fit_is_refused()
    {
        var bytes = new byte[SockAddr.MaxLength];

        Assert.Equal(110, SockAddr.WriteUnix(bytes, new string('x', SockAddr.MaxUnixPath)));
        Assert.Equal(0, SockAddr.WriteUnix(bytes, new string('x', SockAddr.MaxUnixPath + 1)));
    }

    [Fact]
    public void An_unknown_family_has_no_address()
    {
        Assert.False(SockAddr.TryReadInet([], out _, out _));
        Assert.False(SockAddr.TryReadInet(new byte[] { 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, out _, out _));
    }

    [Fact]
    public unsafe void Epoll_events_come_back_with_their_data()
    {
        using var one = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        using var two = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        var epoll = Libc.epoll_create1(Libc.EPOLL_CLOEXEC);
        try
        {
            Assert.Equal(0, EpollEvent.Control(epoll, Libc.EPOLL_CTL_ADD, (int)one.Handle, Libc.EPOLLOUT, 0x0123_4567_89ab_cdef));
            Assert.Equal(0, EpollEvent.Control(epoll, Libc.EPOLL_CTL_ADD, (int)two.Handle, Libc.EPOLLOUT, ulong.MaxValue));
            var events = stackalloc byte[4 * EpollEvent.MaxSize];

            Assert.Equal(2, Libc.epoll_wait(epoll, events, 4, 0));

            ulong[] data = [EpollEvent.Data(events, 0), EpollEvent.Data(events, 1)];
            Array.Sort(data);
            Assert.Equal([0x0123_4567_89ab_cdef, ulong.MaxValue], data);
            Assert.Equal(Libc.EPOLLOUT, EpollEvent.Events(events, 0) & Libc.EPOLLOUT);
            Assert.Equal(Libc.EPOLLOUT, EpollEvent.Events(events, 1) & Libc.EPOLLOUT);
        }
        finally
        {
            Libc.close(epoll);
        }
    }

    [Fact]
    public void Errors_have_the_C_library_s_words()
    {
        Assert.Equal(-1, Libc.close(-1));
        Assert.Equal(Errno.EBADF, Errno.Last);
        Assert.Equal("Bad file descriptor", Errno.LastText);
        Assert.Equal("Connection refused", Errno.Text(Errno.ECONNREFUSED));
        Assert.Equal("No such file or directory", Errno.Text(Errno.ENOENT));
        Assert.Equal("Resource temporarily unavailable", Errno.Text(Errno.EAGAIN));
    }

    [Fact]
    public void Long_and_Latin_1_paths_reach_the_system_byte_by_byte()
    {
        Assert.Equal(-1, Libc.unlink("/" + new string('\u00e9', 300)));
        Assert.Equal("File name too long", Errno.LastText); // 300 bytes; as UTF-8 it would be 600, as ASCII "???"
        Assert.Equal(-1, Libc.unlink("/" + new string('\u00e9', 255)));
        Assert.Equal("No such file or directory", Errno.LastText); // 255 bytes fit
    }
}
