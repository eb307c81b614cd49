using System.Text;
using Postern.Core.Config;
using Postern.Core.Screening;

namespace Postern.Tests.Screening;

public sealed class ServiceLoadTests
{
    [Theory]
    [InlineData(100, 90, 70)]
    [InlineData(10, 9, 7)]
    [InlineData(90, 81, 62)] // 0.7 * 90 is a little less than 63
    public void Stress_begins_and_ends_where_postscreens_arithmetic_says(int limit, int high, int low)
    {
        var load = new ServiceLoad();
        var settings = new Settings { PreQueueLimit = limit };
        var actions = new SessionActions();

        while (!load.UnderStress)
            load.ClientArrived(settings, actions);
        Assert.Equal(high, load.CheckQueue);
        while (load.UnderStress)
            load.ClientLeft(settings, actions);
        Assert.Equal(low, load.CheckQueue);

        Assert.Equal(
            [$"entering STRESS mode with {high} connections", $"leaving STRESS mode with {low} connections"],
            actions.All.Select(a => Encoding.ASCII.GetString(actions.BytesOf(a))));
    }
}
