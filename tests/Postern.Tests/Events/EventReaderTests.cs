using Postern.Events;
using Postern.Tests.Logging;

namespace Postern.Tests.Events;

public sealed class EventReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public EventReaderTests() => File.WriteAllLines(
        Log,
        [
            """{"event":"client","outcome":"stopped","client":{"address":"192.0.2.1","port":1},"sender":"A@one.example","recipients":["you@lab.example","boss@lab.example"]}""",
            """{"event":"client","outcome":"handed_off","client":{"address":"192.0.2.1","port":2}}""",
            """{"event":"client","outcome":"stopped","client":{"address":"192.0.2.12","port":3}}""",
            """{"event":"client","outcome":"stopped","client":{"address":"198.51.100.1","port":4},"sender":"b@two.example","recipients":["you@lab.example"]}""",
            """{"event":"client","outcome":"stopped","client":{"addr""",
        ]);

    private string Log => _folder["events"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("", "4 3 1")]
    [InlineData("192.0.2.1", "3 1")]
    [InlineData("a@ONE", "1")]
    [InlineData("boss@", "1")]
    [InlineData("you@lab.example", "4 1")]
    [InlineData("port", "")]
    public void The_last_that_were_stopped_are_found_by_address_sender_or_recipient(string search, string ports)
    {
        var found = EventReader.FindLastStopped(Log, search, 10);

        Assert.Equal(ports, string.Join(' ', found.Select(static one => one.GetProperty("client").GetProperty("port").GetInt32())));
    }

    [Fact]
    public void No_more_than_asked_for_are_found()
    {
        Assert.Equal(4, Assert.Single(EventReader.FindLastStopped(Log, "", 1)).GetProperty("client").GetProperty("port").GetInt32());
    }
}
