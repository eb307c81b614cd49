using Postern.Core;
using Postern.Core.Lanes;

namespace Postern.Tests.Lanes;

public sealed class HangupMemoryTests
{
    private const uint Start = 1_800_000_000;
    private static readonly TargreySettings Settings = new(TimeSpan.FromSeconds(60), RetryCount: 1, TimeSpan.FromDays(2));
    private static readonly IpAddress Client = Ip.Of("192.0.2.7");

    [Fact]
    public void Who_never_hung_up_is_unknown() => Assert.Equal("Unknown", Return(new HangupMemory(), 0));

    [Fact]
    public void The_first_return_is_refused_and_the_second_is_let_in()
    {
        var memory = HungUp();

        Assert.Equal("Refuse 75 1", Return(memory, 75));
        Assert.Equal("LetIn 300 1", Return(memory, 300));
        Assert.Equal("Unknown", Return(memory, 400)); // from here on it is the temporary allowlist's
    }

    [Fact]
    public void Coming_back_too_soon_does_not_count()
    {
        var memory = HungUp();

        Assert.Equal(["Refuse 1 0", "Refuse 2 0", "Refuse 30 0", "Refuse 59 0"], new uint[] { 1, 2, 30, 59 }.Select(at => Return(memory, at)));
        Assert.Equal("Refuse 60 1", Return(memory, 60));
    }

    [Fact]
    public void Several_connections_at_once_are_one_return()
    {
        var memory = HungUp();

        Assert.Equal(["Refuse 75 1", "Refuse 75 1", "Refuse 77 1"], new uint[] { 75, 75, 77 }.Select(at => Return(memory, at)));
        Assert.Equal("LetIn 81 1", Return(memory, 81));
    }

    [Fact]
    public void More_returns_can_be_asked_for()
    {
        var memory = HungUp();
        var strict = Settings with { RetryCount = 3 };

        Assert.Equal(
            ["Refuse 100 1", "Refuse 200 2", "Refuse 300 3", "LetIn 400 3"], new uint[] { 100, 200, 300, 400 }.Select(at => Return(memory, at, strict)));
    }

    [Fact]
    public void Hanging_up_again_begins_nothing_anew()
    {
        var memory = HungUp();
        Return(memory, 75);
        memory.OnHangup(Client, Start + 100, Settings);

        Assert.Equal("LetIn 200 1", Return(memory, 200));
    }

    [Fact]
    public void It_is_forgotten_after_the_retry_window_and_by_waiting()
    {
        var memory = HungUp();

        Assert.Equal("Refuse 172800 1", Return(memory, 2 * 86400));
        Assert.Equal("Unknown", Return(HungUp(), (2 * 86400) + 1));

        memory.Forget(Client);
        Assert.Equal("Unknown", Return(memory, 100));
    }

    [Theory]
    [InlineData("192.0.2.7", "192.0.2.250", true)]
    [InlineData("192.0.2.7", "192.0.3.7", false)]
    [InlineData("2001:db8:1:2::3", "2001:db8:1:2:9::4", true)]
    [InlineData("2001:db8:1:2::3", "2001:db8:1:3::3", false)]
    public void A_network_is_one_client(string one, string other, bool isSame)
    {
        var memory = new HangupMemory();
        memory.OnHangup(Ip.Of(one), Start, Settings);

        Assert.Equal(isSame ? ReturnVerdict.Refuse : ReturnVerdict.Unknown, memory.Judge(Ip.Of(other), Start + 75, Settings, out _, out _));
    }

    [Fact]
    public void It_has_a_bound_and_forgets_the_oldest_first()
    {
        var memory = new HangupMemory(generationSize: 10);
        for (var i = 0u; i < 1000; i++)
        {
            memory.OnHangup(IpAddress.FromIPv4(i << 8), Start + i, Settings);
            Assert.InRange(memory.Count, 1, 20);
        }

        Assert.Equal(ReturnVerdict.Unknown, memory.Judge(IpAddress.FromIPv4(0), Start + 1000, Settings, out _, out _));
        for (var i = 990u; i < 1000; i++)
            Assert.Equal(ReturnVerdict.Refuse, memory.Judge(IpAddress.FromIPv4(i << 8), Start + 1100, Settings, out _, out _));
    }

    private static HangupMemory HungUp()
    {
        var memory = new HangupMemory();
        memory.OnHangup(Client, Start, Settings);
        return memory;
    }

    private static string Return(HangupMemory memory, uint at, TargreySettings? settings = null)
    {
        var verdict = memory.Judge(Client, Start + at, settings ?? Settings, out var since, out var refusals);
        return verdict is ReturnVerdict.Unknown ? "Unknown" : $"{verdict} {since} {refusals}";
    }
}
