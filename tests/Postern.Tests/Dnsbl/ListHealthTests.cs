using CsCheck;
using Postern.Core.Dnsbl;
using static Postern.Core.Dnsbl.ListAnswer;

namespace Postern.Tests.Dnsbl;

public sealed class ListHealthTests
{
    private readonly ListHealth _health = new();

    [Fact]
    public void A_list_counts_when_it_was_found_not_to_list_everybody()
    {
        Assert.Equal(ListState.Unchecked, _health.State);

        Assert.Null(_health.OnAnswer(Listed, TimeSpan.Zero)); // of a client: that proves nothing
        Assert.Equal(ListState.Unchecked, _health.State);

        Assert.Null(_health.OnCheck(NotListed, Listed));
        Assert.Equal(ListState.Healthy, _health.State);
    }

    [Theory]
    [InlineData(NotListed, NotListed)] // lists of good senders
    [InlineData(Empty, Listed)]
    [InlineData(Empty, Empty)] // a server that knows every name
    [InlineData(NotListed, Silent)]
    public void The_test_entry_is_a_hint_only(ListAnswer loopback, ListAnswer testEntry)
    {
        Assert.Null(_health.OnCheck(loopback, testEntry));
        Assert.Null(_health.OnCheck(loopback, testEntry));

        Assert.Equal(ListState.Healthy, _health.State);
    }

    [Theory]
    [InlineData(Silent, "could not be checked yet: it does not count until it has been")]
    [InlineData(Failed, "could not be checked yet: it does not count until it has been")]
    [InlineData(ErrorCode, "does not serve us: it does not count until it does")]
    public void A_list_that_could_not_be_checked_does_not_count_and_that_is_told_once(ListAnswer answer, string text)
    {
        Assert.Equal(new HealthNews(ListState.Unchecked, IsGood: false, text), _health.OnCheck(answer, answer));
        Assert.Null(_health.OnCheck(answer, answer));
        Assert.Equal(ListState.Unchecked, _health.State);

        Assert.Equal(new HealthNews(ListState.Healthy, IsGood: true, "answers, and does not list everybody: it counts"), _health.OnCheck(NotListed, Listed));
    }

    [Fact]
    public void What_the_process_before_has_found_counts_until_a_check_says_otherwise()
    {
        var known = new ListHealth(wasHealthy: true, hadTestEntry: true);
        Assert.Equal(ListState.Healthy, known.State);

        Assert.Null(known.OnCheck(Silent, Silent));
        Assert.Equal(ListState.Healthy, known.State);
        Assert.NotNull(known.OnCheck(Listed, Listed));
        Assert.Equal(ListState.ListsEverybody, known.State);
        Assert.StartsWith("does not list its test entry", new ListHealth(wasHealthy: true, hadTestEntry: true).OnCheck(NotListed, NotListed)!.Value.Text);
    }

    [Fact]
    public void A_list_that_answers_with_errors_only_leaves_and_comes_back()
    {
        _health.OnCheck(NotListed, Listed);
        for (var i = 0; i < ListHealth.FewestFailures + 5; i++)
            Assert.Null(_health.OnAnswer(Failed, TimeSpan.FromSeconds(i)));
        Assert.Equal(ListState.Healthy, _health.State); // it was for a moment only

        Assert.Equal(
            new HealthNews(ListState.OnlyErrors, IsGood: false, "has answered with nothing but errors for 5 minutes: it does not count until it is healthy"),
            _health.OnAnswer(Silent, ListHealth.FailureWindow));
        Assert.Null(_health.OnAnswer(ErrorCode, TimeSpan.FromHours(1)));

        Assert.Equal(new HealthNews(ListState.Healthy, IsGood: true, "answers again: it counts again"), _health.OnAnswer(NotListed, TimeSpan.FromHours(2)));
    }

    [Fact]
    public void A_few_errors_in_a_quiet_night_are_no_evidence()
    {
        _health.OnCheck(NotListed, Listed);
        for (var i = 1; i < ListHealth.FewestFailures; i++)
            Assert.Null(_health.OnAnswer(Failed, TimeSpan.FromHours(i)));

        Assert.Equal(ListState.Healthy, _health.State);
        Assert.False(_health.IsSuspected);
    }

    [Fact]
    public void Errors_among_listings_are_no_evidence_of_anything()
    {
        _health.OnCheck(NotListed, Listed);
        for (var i = 0; i < 1000; i++)
            Assert.Null(_health.OnAnswer(i % 5 == 0 ? Listed : i % 2 == 0 ? NotListed : Failed, TimeSpan.FromSeconds(10 * i)));

        Assert.Equal(ListState.Healthy, _health.State);
        Assert.False(_health.IsSuspected);
    }

    [Fact]
    public void A_list_that_lists_everybody_leaves_until_it_says_that_it_does_not()
    {
        Assert.Equal(
            new HealthNews(ListState.ListsEverybody, IsGood: false, "lists 127.0.0.1, as no list may, and so perhaps everybody: it does not count until it is healthy"),
            _health.OnCheck(Listed, Listed));

        Assert.Null(_health.OnCheck(Listed, Listed));
        Assert.Null(_health.OnCheck(Failed, NotListed)); // no answer is no proof
        Assert.Equal(ListState.ListsEverybody, _health.State);

        Assert.Equal(new HealthNews(ListState.Healthy, IsGood: true, "does not list 127.0.0.1 any more: it counts again"), _health.OnCheck(NotListed, Listed));
    }

    [Fact]
    public void A_list_that_has_lost_its_test_entry_is_told_of_once_and_stays()
    {
        Assert.Null(_health.OnCheck(NotListed, Listed));

        Assert.Equal(
            new HealthNews(ListState.Healthy, IsGood: false, "does not list its test entry 127.0.0.2 any more: it may have been emptied; it still counts"),
            _health.OnCheck(NotListed, NotListed));
        Assert.Null(_health.OnCheck(NotListed, NotListed));
        Assert.Null(_health.OnCheck(NotListed, Listed));
        Assert.NotNull(_health.OnCheck(NotListed, NotListed));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_test_entry_without_an_address_is_hidden_at_the_first_check_and_later(bool isLater)
    {
        if (isLater)
            Assert.Null(_health.OnCheck(NotListed, Listed));

        Assert.Equal(
            new HealthNews(ListState.Hidden, IsGood: false, "answers 127.0.0.1 as not listed, and its test entry 127.0.0.2 with no address"),
            _health.OnCheck(NotListed, Empty));
        Assert.Null(_health.OnCheck(NotListed, Empty));
        Assert.Null(_health.OnCheck(NotListed, Silent));
        Assert.Equal(ListState.Hidden, _health.State);

        Assert.Equal(new HealthNews(ListState.Healthy, IsGood: true, "has its listings let through again"), _health.OnCheck(NotListed, Listed));
    }

    [Fact]
    public void A_test_entry_with_an_error_is_hidden_at_the_second_check_or_when_the_resolver_says_why()
    {
        Assert.Null(_health.OnCheck(NotListed, Failed));
        Assert.True(_health.IsSuspected);
        Assert.Equal(
            new HealthNews(ListState.Hidden, IsGood: false, "answers 127.0.0.1 as not listed, and its test entry 127.0.0.2 with an error"),
            _health.OnCheck(NotListed, Failed));
        Assert.False(_health.IsSuspected);

        Assert.Equal(ListState.Hidden, new ListHealth().OnCheck(NotListed, Failed, isExplained: true)!.Value.State);
    }

    [Fact]
    public void An_error_that_was_one_only_hides_nothing()
    {
        Assert.Null(_health.OnCheck(NotListed, Failed));
        Assert.Null(_health.OnCheck(NotListed, Listed));
        Assert.False(_health.IsSuspected);
        Assert.Null(_health.OnCheck(NotListed, Failed));
        Assert.Null(_health.OnCheck(Failed, Failed)); // the list is in trouble, not the resolver too careful
        Assert.Null(_health.OnCheck(NotListed, Failed));

        Assert.Equal(ListState.Healthy, _health.State);
    }

    /// <summary>A list without a test entry: clients show it.</summary>
    [Theory]
    [InlineData(Failed, 20, "answers 127.0.0.1 as not listed, and 20 of 40 clients with an error, and none as listed")]
    [InlineData(Empty, 5, "answers 127.0.0.1 as not listed, and 5 clients with no address, and none as listed")]
    public void Good_answers_between_them_do_not_hide_that_all_listings_are_missing(ListAnswer answer, int times, string text)
    {
        _health.OnCheck(NotListed, NotListed);
        for (var i = 0; i < times; i++)
        {
            Assert.Null(_health.OnAnswer(NotListed, TimeSpan.FromSeconds(2 * i)));
            Assert.Null(_health.OnAnswer(answer, TimeSpan.FromSeconds(2 * i + 1)));
        }

        Assert.True(_health.IsSuspected);
        Assert.Equal(new HealthNews(ListState.Hidden, IsGood: false, text), _health.OnCheck(NotListed, NotListed));
        Assert.Null(_health.OnCheck(NotListed, NotListed));
        Assert.Equal(ListState.Hidden, _health.State);
        Assert.Equal(new HealthNews(ListState.Healthy, IsGood: true, "has its listings let through again"), _health.OnAnswer(Listed, TimeSpan.FromHours(1)));
        Assert.False(_health.IsSuspected);
    }

    [Fact]
    public void A_test_entry_that_comes_through_is_better_evidence_than_clients()
    {
        _health.OnCheck(NotListed, Listed);
        for (var i = 0; i < 100; i++)
            _health.OnAnswer(i % 2 == 0 ? NotListed : Failed, TimeSpan.FromSeconds(i));
        Assert.True(_health.IsSuspected);

        Assert.Null(_health.OnCheck(NotListed, Listed));

        Assert.False(_health.IsSuspected);
        Assert.Equal(ListState.Healthy, _health.State);
    }

    [Fact]
    public void Two_ailments_are_two()
    {
        _health.OnCheck(Listed, Listed);
        for (var i = 0; i < ListHealth.FewestFailures; i++)
            Assert.Null(_health.OnAnswer(Failed, TimeSpan.FromMinutes(i)));

        Assert.Null(_health.OnAnswer(Listed, TimeSpan.FromHours(1)));
        Assert.Equal(ListState.ListsEverybody, _health.State);
        Assert.NotNull(_health.OnCheck(NotListed, Listed));
        Assert.Equal(ListState.Healthy, _health.State);
    }

    /// <summary>Whatever comes: news says how the list is now, and is no news twice.</summary>
    [Fact]
    public void News_is_new_and_true() => Gen.Select(Gen.Bool, Gen.Enum<ListAnswer>(), Gen.Enum<ListAnswer>(), Gen.Int[0, 400]).Array[0, 200].Sample(story =>
    {
        var health = new ListHealth();
        var now = TimeSpan.Zero;
        var last = default(HealthNews);
        foreach (var (isCheck, one, other, seconds) in story)
        {
            now += TimeSpan.FromSeconds(seconds);
            var told = isCheck ? health.OnCheck(one, other) : health.OnAnswer(one, now);
            if (health.State != last.State && told is null)
                last = default; // two ailments at once may come and go without a word
            if (told is not { } news)
                continue;
            Assert.Equal(health.State, news.State);
            Assert.NotEqual(last, news);
            Assert.Equal(news.IsGood, news.State is ListState.Healthy && !news.Text.StartsWith("does not list its test entry", StringComparison.Ordinal));
            last = news.Text.StartsWith("does not list its test entry", StringComparison.Ordinal) ? default : news;
        }
    });
}
