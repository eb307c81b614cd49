using Postern.Tables;

namespace Postern.Tests.Tables;

public sealed class ServerPatienceTests
{
    private static readonly LookupLimits Limits = new(Tries: 10, Pause: TimeSpan.FromSeconds(1), Silence: TimeSpan.FromSeconds(100), Total: TimeSpan.FromSeconds(240));

    private readonly Clock _clock = new();
    private readonly ServerPatience _patience;

    public ServerPatienceTests() => _patience = new ServerPatience(Limits, _clock);

    [Fact]
    public void Whoever_asks_a_server_that_answers_has_the_limits_of_Postfix()
    {
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(Limits, _patience.Begin());
            _patience.OnAnswer();
        }
    }

    [Fact]
    public void The_others_wait_ten_seconds_for_a_silent_server_and_soon_only_one()
    {
        _patience.Begin();

        var first = _patience.Begin();
        _clock.Now += 11;
        var later = _patience.Begin();

        Assert.Equal(Limits with { Silence = TimeSpan.FromSeconds(10), Total = TimeSpan.FromSeconds(10) }, first);
        Assert.Equal(Limits with { Tries = 1, Silence = TimeSpan.FromSeconds(1), Total = TimeSpan.FromSeconds(1) }, later);
    }

    [Fact]
    public void Once_a_minute_one_finds_out_whether_the_server_is_only_slow()
    {
        _patience.Begin();
        _clock.Now += 61;

        Assert.Equal(Limits, _patience.Begin());
        Assert.Equal(1, _patience.Begin().Tries);

        _patience.OnAnswer();
        Assert.Equal(Limits, _patience.Begin());
    }

    private sealed class Clock : TimeProvider
    {
        public long Now { get; set; } = 1000; // seconds

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Now;
    }
}
