using Postern.Core.Dnsbl;

namespace Postern.Tests.Dnsbl;

public sealed class ListHealthTests
{
    private readonly ListHealth _health = new();

    [Fact]
    public void A_list_that_answers_with_errors_only_leaves_and_comes_back()
    {
        for (var i = 0; i < ListHealth.FewestFailures + 5; i++)
            Assert.Null(_health.OnAnswer(ListAnswer.Failed, TimeSpan.FromSeconds(i)));
        Assert.True(_health.IsWell); // it was for a moment only

        Assert.Equal(
            "has answered with nothing but errors for 5 minutes: it does not count until it is well",
            _health.OnAnswer(ListAnswer.Failed, ListHealth.FailureWindow));
        Assert.False(_health.IsWell);
        Assert.Null(_health.OnAnswer(ListAnswer.Failed, TimeSpan.FromHours(1)));

        Assert.Equal("answers again: it counts again", _health.OnAnswer(ListAnswer.NotListed, TimeSpan.FromHours(2)));
        Assert.True(_health.IsWell);
    }

    [Fact]
    public void A_few_errors_in_a_quiet_night_are_no_evidence()
    {
        for (var i = 1; i < ListHealth.FewestFailures; i++)
            Assert.Null(_health.OnAnswer(ListAnswer.Failed, TimeSpan.FromHours(i)));

        Assert.True(_health.IsWell);
    }

    [Fact]
    public void One_answer_among_the_errors_begins_the_count_anew()
    {
        for (var i = 0; i < 100; i++)
            Assert.Null(_health.OnAnswer(i % 5 == 0 ? ListAnswer.Listed : ListAnswer.Failed, TimeSpan.FromMinutes(10 * i)));

        Assert.True(_health.IsWell);
    }

    [Fact]
    public void A_list_that_lists_everybody_leaves_until_it_says_that_it_does_not()
    {
        Assert.Equal(
            "lists 127.0.0.1, as no list may, and so perhaps everybody: it does not count until it is well",
            _health.OnLoopbackCheck(ListAnswer.Listed));
        Assert.False(_health.IsWell);

        Assert.Null(_health.OnLoopbackCheck(ListAnswer.Listed));
        Assert.Null(_health.OnLoopbackCheck(ListAnswer.Failed)); // no answer is no proof
        Assert.False(_health.IsWell);

        Assert.Equal("does not list 127.0.0.1 any more: it counts again", _health.OnLoopbackCheck(ListAnswer.NotListed));
        Assert.True(_health.IsWell);
    }

    [Fact]
    public void A_list_without_the_test_entry_stays()
    {
        Assert.Null(_health.OnTestEntryCheck(ListAnswer.NotListed));
        Assert.True(_health.IsWell);
    }

    [Fact]
    public void A_list_that_has_lost_its_test_entry_is_told_of_once_and_stays()
    {
        Assert.Null(_health.OnTestEntryCheck(ListAnswer.Listed));

        Assert.StartsWith("does not list its test entry 127.0.0.2 any more", _health.OnTestEntryCheck(ListAnswer.NotListed));
        Assert.Null(_health.OnTestEntryCheck(ListAnswer.NotListed));
        Assert.True(_health.IsWell);
    }

    [Fact]
    public void Two_ailments_are_two()
    {
        _health.OnLoopbackCheck(ListAnswer.Listed);
        for (var i = 0; i < ListHealth.FewestFailures; i++)
            Assert.Null(_health.OnAnswer(ListAnswer.Failed, TimeSpan.FromMinutes(i)));

        Assert.Null(_health.OnAnswer(ListAnswer.Listed, TimeSpan.FromHours(1)));
        Assert.False(_health.IsWell);
        Assert.NotNull(_health.OnLoopbackCheck(ListAnswer.NotListed));
        Assert.True(_health.IsWell);
    }
}
